"""The cost of a DAG file: import, warm parse, one parse in a forked child, serialized size.

The peer is a hand-written DAG of empty operators with the same edges, in the same process; dag-factory, which also
reads a document, is reported for comparison.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PEER = ROOT / ".venv-peer" / "bin" / "python"
REPEAT = 9


def document(count: int) -> dict[str, Any]:
    """A chain of ``count`` realistic training steps with references, 1.4 kB each."""
    steps = []
    for index in range(count):
        uri: Any = {"Std:Join": {"On": "/", "Values": ["s3:/", {"Get": "Parameters.Bucket"}, "data"]}}
        if index:
            uri = {"Get": f"Steps.Step{index - 1}.ModelArtifacts.S3ModelArtifacts"}
        source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}
        arguments = {
            "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
            "HyperParameters": {f"key{number}": f"value {number}" for number in range(20)},
            "InputDataConfig": [{"ChannelName": "train", "DataSource": source, "ContentType": "text/csv"}],
            "OutputDataConfig": {"S3OutputPath": "s3://bucket/models"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
            "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        }
        steps.append({"Name": f"Step{index}", "Type": "Training", "Arguments": arguments})
    parameters = [{"Name": "Bucket", "Type": "String", "DefaultValue": "bucket"}]
    return {"Version": "2020-12-01", "Parameters": parameters, "Steps": steps}


def measure() -> dict[str, Any]:
    """All figures of this module."""
    return {
        "import": importing(),
        "warm_parse": {str(count): warm_parse(count) for count in (50, 1000)},
        "forked_parse_8_steps": forked(),
        "check_and_plan_2000_steps": planned(),
        "serialized_bytes_a_step_beside_arguments": serialized(),
    }


def importing() -> dict[str, Any]:
    code = (
        "import sys, time, airflow.sdk\n"
        "from airflow.sdk import DAG, BaseOperator, BaseOperatorLink, Param, TaskGroup\n"
        "DAG('any', schedule=None)\n"
        "before, begun = set(sys.modules), time.process_time()\n"
        "import airflow_sagemaker_mlops.factory.dag, airflow_sagemaker_mlops.operators.steps\n"
        "import airflow_sagemaker_mlops.operators.status\n"
        "print(len(set(sys.modules) - before), (time.process_time() - begun) * 1000)\n"
    )
    runs = [_child(sys.executable, code).split() for _ in range(REPEAT)]
    return {
        "modules": int(runs[0][0]),
        "cpu_ms_median": round(statistics.median(float(run[1]) for run in runs), 1),
        "limit": "40 modules, 40 ms",
    }


def warm_parse(count: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pipeline.json"
        file.write_text(json.dumps(document(count)))
        ours = textwrap.dedent(f"""
            from airflow_sagemaker_mlops import SageMakerPipelineDag
            def ours(): return SageMakerPipelineDag("p", {str(file)!r})
        """)
        hand = textwrap.dedent(f"""
            from airflow.sdk import DAG
            from airflow.providers.standard.operators.empty import EmptyOperator
            def hand():
                with DAG("p", schedule=None) as dag:
                    tasks = [EmptyOperator(task_id=f"Step{{i}}") for i in range({count})]
                    for a, b in zip(tasks, tasks[1:]): a.set_downstream(b)
                return dag
        """)
        # Both in one process and in turn, so that the machine's load is the same for both.
        both = "\n".join(
            [
                ours,
                hand,
                "import json, time",
                "def once(f):",
                "    begun = time.process_time(); f(); return (time.process_time() - begun) * 1000",
                "ours(); hand()",
                f"pairs = [(once(ours), once(hand)) for _ in range({REPEAT})]",
                "print(json.dumps(pairs))",
            ]
        )
        pairs = json.loads(_child(sys.executable, both))
        figures = {
            "ours_ms_median": round(statistics.median(pair[0] for pair in pairs), 1),
            "hand_written_ms_median": round(statistics.median(pair[1] for pair in pairs), 1),
            "ratio_median": round(statistics.median(pair[0] / pair[1] for pair in pairs), 2),
            "limit": "1.3",
        }
        figures["dag_factory_ms_median"] = _dag_factory(count, Path(folder))
        return figures


def _dag_factory(count: int, folder: Path) -> float | str:
    """dag-factory on a YAML of the same chain of empty operators; in its own environment."""
    if not PEER.exists():
        return "not measured: make peer"
    tasks = {
        f"Step{i}": {
            "operator": "airflow.providers.standard.operators.empty.EmptyOperator",
            **({"dependencies": [f"Step{i - 1}"]} if i else {}),
        }
        for i in range(count)
    }
    (folder / "factory.yaml").write_text(
        json.dumps({"p": {"start_date": "2024-01-01", "schedule": None, "tasks": tasks}})
    )
    code = (
        "import json, time, statistics, dagfactory\n"
        f"path = {str(folder / 'factory.yaml')!r}\n"
        "def make(): dagfactory.load_yaml_dags(globals_dict={}, config_filepath=path)\n"
        "make(); times = []\n"
        "for _ in range(5):\n"
        "    begun = time.process_time(); make(); times.append((time.process_time() - begun) * 1000)\n"
        "print(statistics.median(times))\n"
    )
    try:
        return round(float(_child(str(PEER), code).splitlines()[-1]), 1)
    except (subprocess.CalledProcessError, ValueError) as error:
        return f"not measured: {str(error)[-200:]}"


def planned() -> dict[str, Any]:
    """CPU of reading, checking and planning a document of 2,000 steps, compared with reading its JSON."""
    code = textwrap.dedent("""
        import json, statistics, time
        from benchmarks.parse import document
        from airflow_sagemaker_mlops.definition import load_pipeline
        from airflow_sagemaker_mlops.plan import make_plan
        text = json.dumps(document(2000))
        def spent(work):
            begun = time.process_time(); work(); return (time.process_time() - begun) * 1000
        rows = [(spent(lambda: make_plan(load_pipeline(text))), spent(lambda: json.loads(text))) for _ in range(9)]
        print(*(statistics.median(row[i] for row in rows) for i in (0, 1)))
    """)
    ours, reading = map(float, _child(sys.executable, code).split())
    return {"cpu_ms_median": round(ours), "json_loads_ms_median": round(reading), "limit": "1000 ms"}


def forked() -> dict[str, Any]:
    """CPU of one parse in a child forked from a process like the DAG processor, with its plugins loaded."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pipeline.json").write_text(json.dumps(document(8)))
        (Path(folder) / "ours.py").write_text(
            "from airflow_sagemaker_mlops import SageMakerPipelineDag\nSageMakerPipelineDag('p', 'pipeline.json')\n"
        )
        (Path(folder) / "hand.py").write_text(
            "from airflow.sdk import DAG\n"
            "from airflow.providers.standard.operators.empty import EmptyOperator\n"
            "with DAG('p', schedule=None) as dag:\n"
            "    tasks = [EmptyOperator(task_id=f'Step{i}') for i in range(8)]\n"
            "    for a, b in zip(tasks, tasks[1:]): a.set_downstream(b)\n"
        )
        code = textwrap.dedent(f"""
            import json, os, resource, statistics, sys
            import airflow.sdk, airflow.dag_processing.processor
            from airflow.dag_processing.dagbag import DagBag
            from airflow.listeners.listener import get_listener_manager
            sys.argv = ["airflow", "dag-processor"]
            get_listener_manager()  # as its job does when it starts
            def child(name):
                read, write = os.pipe()
                pid = os.fork()
                if not pid:
                    before = resource.getrusage(resource.RUSAGE_SELF)
                    bag = DagBag(dag_folder={folder!r} + "/" + name)
                    after = resource.getrusage(resource.RUSAGE_SELF)
                    assert not bag.import_errors, bag.import_errors
                    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
                    os.write(write, json.dumps(spent * 1000).encode()); os._exit(0)
                os.waitpid(pid, 0)
                return json.loads(os.read(read, 100))
            pairs = [(child("ours.py"), child("hand.py")) for _ in range({REPEAT})]
            print(json.dumps(pairs))
        """)
        pairs = json.loads(_child(sys.executable, code).splitlines()[-1])
        return {
            "ours_cpu_ms_median": round(statistics.median(pair[0] for pair in pairs), 1),
            "hand_written_cpu_ms_median": round(statistics.median(pair[1] for pair in pairs), 1),
            "difference_ms_median": round(statistics.median(pair[0] - pair[1] for pair in pairs), 1),
            "limit": "hand-written + 40 ms",
        }


def serialized() -> dict[str, Any]:
    code = textwrap.dedent("""
        import json, sys
        from benchmarks.parse import document
        from airflow_sagemaker_mlops import SageMakerPipelineDag
        from airflow.serialization.serialized_objects import DagSerialization
        def size(count):
            dag = SageMakerPipelineDag("p", document(count))
            return len(json.dumps(DagSerialization.to_dict(dag), separators=(",", ":")))
        arguments = len(json.dumps(document(2)["Steps"][1]["Arguments"], separators=(",", ":")))
        print((size(60) - size(10)) / 50, arguments)
    """)
    whole, arguments = map(float, _child(sys.executable, code).splitlines()[-1].split())
    return {"a_step": whole, "its_arguments": arguments, "beside": round(whole - arguments), "limit": "700"}


def _child(python: str, code: str) -> str:
    with tempfile.TemporaryDirectory() as home:
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")},
            "AIRFLOW_HOME": home,
            "PYTHONPATH": str(ROOT) if python == sys.executable else "",
        }
        done = subprocess.run([python, "-c", code], env=environment, capture_output=True, text=True, check=True)
        return done.stdout
