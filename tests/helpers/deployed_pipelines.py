"""The DAGs that the tests of whole runs start, and their definitions."""

from __future__ import annotations

from typing import Any

from builders import processing, python

from airflow_sagemaker_mlops.local_aws import LocalAws

DAG_FILE = """
from datetime import timedelta

from airflow_sagemaker_mlops import SageMakerPipelineDag
from airflow_sagemaker_mlops.airflow_versions import SHORTEST_DEFERRAL_S

# A busy machine sometimes fails a task before it has begun; our steps outlast that, other operators need retries.
AGAIN = {"retries": 3, "retry_delay": timedelta(seconds=1)}
SageMakerPipelineDag("in-triggerer", definition="pipeline.json", poll_interval_s=1)
SageMakerPipelineDag("in-worker", definition="pipeline.json", poll_interval_s=1, start_in="worker")
mode = {"Mode": "{{ 'fast' if dag.dag_id == 'rendered' else 'slow' }}"}
SageMakerPipelineDag("rendered", definition="pipeline.json", poll_interval_s=1, parameters=mode)
SageMakerPipelineDag("failing", definition="failing.json", poll_interval_s=1)
SageMakerPipelineDag("failing-beside", definition="failing-beside.json", poll_interval_s=1)
SageMakerPipelineDag("long", definition="long.json", poll_interval_s=1)
SageMakerPipelineDag("unlucky", definition="unlucky.json", poll_interval_s=1)
SageMakerPipelineDag("unlucky-in-worker", definition="unlucky.json", poll_interval_s=1, start_in="worker")
SageMakerPipelineDag("held", definition="held.json", poll_interval_s=1, steps={"Held": {"pool": "closed"}})
SageMakerPipelineDag("recorded", definition="recorded.json", poll_interval_s=1, records="{records}")
SageMakerPipelineDag(
    "recorded-in-worker", definition="recorded.json", poll_interval_s=1, start_in="worker", records="{records}"
)
timeout = {"Long": {"execution_timeout": timedelta(seconds=8 + 2 * SHORTEST_DEFERRAL_S)}}
SageMakerPipelineDag("overdue", definition="long.json", poll_interval_s=1, steps=timeout)
SageMakerPipelineDag("overdue-in-worker", definition="long.json", poll_interval_s=1, start_in="worker", steps=timeout)
SageMakerPipelineDag("overdue-run", definition="long.json", poll_interval_s=1, dagrun_timeout=timedelta(seconds=12))
SageMakerPipelineDag("two-at-a-time", definition="wide.json", poll_interval_s=1, max_parallel_steps=2)
SageMakerPipelineDag(
    "two-at-a-time-in-worker", definition="wide.json", poll_interval_s=1, start_in="worker", max_parallel_steps=2
)
note = {"Note": AGAIN}
SageMakerPipelineDag("parts", definition="parts.json", poll_interval_s=1, records="{records}", steps=note)
SageMakerPipelineDag(
    "parts-in-worker", definition="parts.json", poll_interval_s=1, start_in="worker", records="{records}", steps=note
)
SageMakerPipelineDag("thousand", definition="thousand.json", poll_interval_s=1)
branches = {"Serve": AGAIN, "Keep": AGAIN}
SageMakerPipelineDag("ask", definition="ask.json", poll_interval_s=1, steps=branches)
SageMakerPipelineDag("ask-in-time", definition="ask-in-time.json", poll_interval_s=1, steps=branches)
SageMakerPipelineDag("control", definition="control.json", poll_interval_s=1, steps=note)
SageMakerPipelineDag("control-in-worker", definition="control.json", poll_interval_s=1, start_in="worker", steps=note)

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from airflow_sagemaker_mlops import SageMakerPipelineTaskGroup

with DAG("mixed", schedule=None) as dag:
    before = BashOperator(task_id="before", bash_command="true", **AGAIN)
    group = SageMakerPipelineTaskGroup("g", definition="group.json", poll_interval_s=1)
    before >> group.step_tasks["Make"]
    name = group.property_of("Make", "ProcessingJobName")
    BashOperator(task_id="after", bash_command="echo made by $NAME", env={"NAME": name}, **AGAIN)

with DAG("two-groups", schedule=None) as dag:
    SageMakerPipelineTaskGroup("g", definition="pair.json", poll_interval_s=1)
    SageMakerPipelineTaskGroup("h", definition="pair.json", poll_interval_s=1)

with DAG("neighbours", schedule=None) as dag:
    SageMakerPipelineTaskGroup("quick", definition="group.json", poll_interval_s=1)
    SageMakerPipelineTaskGroup("slow", definition="slow.json", poll_interval_s=1)

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import BranchPythonOperator, ShortCircuitOperator

with DAG("no-new-data", schedule=None) as dag:
    group = SageMakerPipelineTaskGroup("g", definition="pair.json", poll_interval_s=1)
    is_new = ShortCircuitOperator(task_id="is_new", python_callable=lambda: False, **AGAIN)
    is_new >> group >> EmptyOperator(task_id="deploy")

with DAG("another-way", schedule=None) as dag:
    group = SageMakerPipelineTaskGroup("g", definition="pair.json", poll_interval_s=1)
    which = BranchPythonOperator(task_id="which", python_callable=lambda: "other", **AGAIN)
    which >> [EmptyOperator(task_id="other"), group]
    group >> EmptyOperator(task_id="deploy")

import json
from pathlib import Path

from airflow_sagemaker_mlops.operators import ProcessingStepOperator, StopRunningJobsOperator

for dag_id, more in (("mapped", {}), ("mapped-overdue", timeout["Long"]), ("mapped-unlucky", {"retries": 1})):
    arguments = json.loads(Path(__file__).with_name(dag_id + ".json").read_text())
    with DAG(dag_id, schedule=None, default_args={"retry_delay": timedelta(seconds=1)}) as dag:
        each = ProcessingStepOperator.partial(task_id="each", poll_interval_s=1, max_parallel_steps=2, **more)
        mapped = each.expand(arguments=arguments)
        if dag_id != "mapped-overdue":
            mapped >> StopRunningJobsOperator(task_id="stop")

with DAG("long-group", schedule=None) as dag:
    SageMakerPipelineTaskGroup("g", definition="long.json", poll_interval_s=1)
"""


def step(aws: LocalAws, name: str, code: str, **more: Any) -> dict[str, Any]:
    return processing(aws.role_arn, name, *python(code), arguments={"Environment": more.pop("environment", {})}, **more)


def wait_for_another() -> str:
    """Code of a job that ends only after two jobs of its run have begun, so that two of them run at once."""
    lines = (
        "import boto3, os, time",
        "s, b, r = boto3.client('s3'), os.environ['BUCKET'], os.environ['RUN']",
        "s.put_object(Bucket=b, Key=r + str(time.time_ns()))",
        "while s.list_objects_v2(Bucket=b, Prefix=r)['KeyCount'] < 2: time.sleep(.2)",
    )
    return "\n".join(lines)  # the service takes 256 characters


def asking(**more: Any) -> dict[str, Any]:
    """A pipeline that serves a version only if people approve of it."""
    approved = {"Type": "Equals", "LeftValue": {"Get": "Steps.Ask.Approved"}, "RightValue": True}
    branches = {"Conditions": [approved], "IfSteps": [said("Serve")], "ElseSteps": [said("Keep")]}
    arguments = {"ModelPackageArn": {"Get": "Parameters.Arn"}, **more}
    steps = [
        {"Name": "Ask", "Type": "x-approval", "Arguments": arguments},
        {"Name": "Which", "Type": "Condition", "Arguments": branches},
    ]
    return {"Version": "2020-12-01", "Parameters": [{"Name": "Arn", "Type": "String"}], "Steps": steps}


def said(name: str) -> dict[str, Any]:
    """A step that any worker does at once."""
    bash = "airflow.providers.standard.operators.bash.BashOperator"
    return {"Name": name, "Type": "x-airflow", "Operator": bash, "Arguments": {"bash_command": "true"}}


def documents(aws: LocalAws) -> dict[str, Any]:
    seen = {"SEEN": {"Get": "Steps.First.ProcessingJobName"}, "MODE": {"Get": "Parameters.Mode"}}
    condition = {"Type": "Equals", "LeftValue": {"Get": "Parameters.Mode"}, "RightValue": "fast"}
    branches = {
        "Conditions": [condition],
        "IfSteps": [step(aws, "Chosen", "pass")],
        "ElseSteps": [step(aws, "Other", "pass")],
    }
    look = "import os; print('saw', os.environ['SEEN'], os.environ['MODE'])"
    pipeline = [
        step(aws, "First", "print('first')"),
        step(aws, "Second", look, environment=seen),
        {"Name": "Which", "Type": "Condition", "Arguments": branches, "DependsOn": ["Second"]},
    ]
    mode = [{"Name": "Mode", "Type": "String", "DefaultValue": "slow", "EnumValues": ["slow", "fast"]}]
    failing = [step(aws, "Bad", "raise SystemExit('no data today')"), step(aws, "Behind", "pass", DependsOn=["Bad"])]
    slow = step(aws, "Slow", "import time; time.sleep(8)")
    beside = [failing[0], slow, step(aws, "Both", "pass", DependsOn=["Bad", "Slow"])]
    long = [step(aws, "Long", "import time; time.sleep(120)"), step(aws, "Then", "pass", DependsOn=["Long"])]
    policy = {"ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"], "IntervalSeconds": 1, "MaxAttempts": 1}
    unlucky = [step(aws, "Long", "import time; time.sleep(120)", RetryPolicies=[policy])]
    model = {"ExecutionRoleArn": aws.role_arn, "PrimaryContainer": {"Image": "image"}}
    held = [step(aws, "Quick", "pass"), {"Name": "Held", "Type": "Model", "Arguments": model, "DependsOn": ["Quick"]}]
    size = [{"Name": "Size", "Type": "Integer", "DefaultValue": 1}]
    enough = {"Type": "GreaterThanOrEqualTo", "LeftValue": {"Get": "Parameters.Size"}, "RightValue": 1}
    cached = {"CacheConfig": {"Enabled": True, "ExpireAfter": "P1D"}, "environment": {"TOKEN": "hush-hush"}}
    recorded = [
        step(aws, "Prepare", "import os; print('the token is', os.environ['TOKEN'])", **cached),
        {
            "Name": "Enough",
            "Type": "Condition",
            "Arguments": {"Conditions": [enough], "IfSteps": [step(aws, "Use", "pass")], "ElseSteps": []},
            "DependsOn": ["Prepare"],
        },
    ]
    given = {
        "SEEN": {"Get": "Steps.Load.ProcessingJobName"},
        "MODE": {"Get": "Parameters.Mode"},
        "SIZE": {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Size"}]}},
    }
    try_it = (
        "import os; print('saw', os.environ['SEEN'], os.environ['MODE']); "
        "os.environ['SIZE'] == '1' and exit('too little data')"
    )
    said = {"bash_command": {"Std:Join": {"On": " ", "Values": ["echo size", {"Get": "Parameters.Size"}]}}}
    used = {"TRAINED": {"Get": "Steps.Train.ProcessingJobName"}}
    use = step(aws, "Use", "import os; print('used', os.environ['TRAINED'])", environment=used)
    parts = [
        step(aws, "Load", "pass"),
        {
            "Name": "Note",
            "Type": "x-airflow",
            "Operator": "airflow.providers.standard.operators.bash.BashOperator",
            "Arguments": said,
        },
        step(aws, "Train", try_it, environment=given),
        step(aws, "Handle", "pass", DependsOn=[{"Step": "Train", "Trigger": "Failed"}]),
        {
            "Name": "Good",
            "Type": "Condition",
            "Arguments": {"Conditions": [enough], "IfSteps": [use], "ElseSteps": [step(aws, "Other", "pass")]},
            "DependsOn": ["Train"],
        },
        step(aws, "Aside", "pass"),
    ]
    parameters = [*mode, *size, {"Name": "Owner", "Type": "String"}]
    queue = aws.client("sqs").create_queue(QueueName="questions")["QueueUrl"]
    run = {"BUCKET": aws.bucket, "RUN": {"Get": "Execution.PipelineExecutionId"}}
    wide = [step(aws, f"W{i}", wait_for_another(), environment=run) for i in range(5)]
    item = {"ITEM": {"Get": "ForEach.CurrentItem"}}
    body = [step(aws, "Each", "import os; print('item', os.environ['ITEM'])", environment=item)]
    loop = {"IterableItems": ["a", "b", "c"], "MaxConcurrency": 2, "ForEachBody": body}
    name = {"Get": "Steps.Loop.IterationOutputs[2].Each.ProcessingJobName"}
    note = {"bash_command": {"Std:Join": {"On": " ", "Values": ["echo third was", name]}}}
    noted = {"NOTED": {"Get": "Steps.Note.Output"}, "SAID": {"Get": "Steps.Ask.OutputParameters['word']"}}
    control = [
        step(aws, "Load", "raise SystemExit('no data today')"),
        step(aws, "Handle", "pass", DependsOn=[{"Step": "Load", "Trigger": "Failed"}]),
        step(aws, "Never", "pass", DependsOn=[{"Step": "Load", "Trigger": "Stopped"}]),
        {"Name": "Loop", "Type": "ForEach", "Arguments": loop},
        {
            "Name": "Note",
            "Type": "x-airflow",
            "Operator": "airflow.providers.standard.operators.bash.BashOperator",
            "Arguments": note,
        },
        {
            "Name": "Ask",
            "Type": "Callback",
            "SqsQueueUrl": queue,
            "Arguments": {"asks": name},
            "OutputParameters": [{"OutputName": "word", "OutputType": "String"}],
        },
        step(aws, "Last", "import os; print(os.environ['NOTED'], '+', os.environ['SAID'])", environment=noted),
    ]
    number = {"Get": "ForEach.CurrentItem"}
    container = {"Image": "image", "Environment": {"NUMBER": {"Std:Join": {"On": "", "Values": [number]}}}}
    model = {"ExecutionRoleArn": aws.role_arn, "PrimaryContainer": container}
    thousand = {
        "IterableItems": list(range(1000)),
        "MaxConcurrency": 10,
        "ForEachBody": [{"Name": "One", "Type": "Model", "Arguments": model}],
    }
    mapped = {
        "mapped.json": [step(aws, "", f"print({i})")["Arguments"] for i in range(3)],
        "mapped-overdue.json": [step(aws, "", "import time; time.sleep(120)")["Arguments"] for _ in range(2)],
        "mapped-unlucky.json": [step(aws, "", f"exit({i})")["Arguments"] for i in range(2)],
    }
    return {
        **mapped,
        "thousand.json": {
            "Version": "2020-12-01",
            "Steps": [{"Name": "Thousand", "Type": "ForEach", "Arguments": thousand}],
        },
        "ask.json": asking(),
        "ask-in-time.json": asking(TimeoutInSeconds=2, Default="Rejected"),
        "control.json": {"Version": "2020-12-01", "Steps": control},
        "wide.json": {"Version": "2020-12-01", "Steps": wide},
        "group.json": {"Version": "2020-12-01", "Steps": [step(aws, "Make", "pass")]},
        "pipeline.json": {"Version": "2020-12-01", "Parameters": mode, "Steps": pipeline},
        "failing-beside.json": {"Version": "2020-12-01", "Steps": beside},
        "failing.json": {"Version": "2020-12-01", "Steps": failing},
        "recorded.json": {"Version": "2020-12-01", "Parameters": size, "Steps": recorded},
        "parts.json": {"Version": "2020-12-01", "Parameters": parameters, "Steps": parts},
        "pair.json": {
            "Version": "2020-12-01",
            "Steps": [step(aws, "Make", "pass"), step(aws, "Then", "pass", DependsOn=["Make"])],
        },
        "slow.json": {"Version": "2020-12-01", "Steps": [step(aws, "Slow", "import time; time.sleep(25)")]},
        "held.json": {"Version": "2020-12-01", "Steps": held},
        "long.json": {"Version": "2020-12-01", "Steps": long},
        "unlucky.json": {"Version": "2020-12-01", "Steps": unlucky},
    }
