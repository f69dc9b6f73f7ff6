"""Steps that start no SageMaker resource of their own.

Sources: language reference sections 5.9, 5.10, 5.15 to 5.18, 6.4.
"""

from __future__ import annotations

from .model import StepType

LAMBDA = StepType(
    name="Lambda",
    how="function",
    about="a Lambda function, invoked synchronously",
    service="lambda",
    create="Invoke",
    tagged=False,
    outside=True,
)
CALLBACK = StepType(
    name="Callback",
    how="callback",
    about="a message with a token to an SQS queue, then a wait for whoever answers with that token",
    waits=True,
    service="sqs",
    create="SendMessage",
    tagged=False,
    outside=True,
)
LINEAGE = StepType(
    name="Lineage",
    how="lineage",
    about="actions, artifacts, contexts and associations in the lineage graph",
    create="AddAssociation",
    tagged=False,
    outside=True,
)
CLEANUP = StepType(
    name="Cleanup",
    how="cleanup",
    about="deletes S3 outputs of earlier steps",
    service="s3",
    create="DeleteObject",
    tagged=False,
)
FOR_EACH = StepType(
    name="ForEach",
    how="foreach",
    about="runs the steps of its body once for every item of a list",
    waits=True,
    tagged=False,
)
CONDITION = StepType(
    name="Condition", how="condition", about="compares, and lets one of two branches run", tagged=False
)
# Not in the table: such a step is an Airflow operator, and ``execution`` only meets it where there is no Airflow.
FOREIGN = StepType(name="x-airflow", how="foreign", tagged=False, outside=True)
FAIL = StepType(name="Fail", how="fail", about="ends the run as failed, with a message", tagged=False)
