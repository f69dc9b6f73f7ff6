"""The options of Airflow's configuration section ``[sagemaker_mlops]``: one table for everything that lists them.

:mod:`.settings` reads their values, :mod:`.provider_info` describes them to Airflow, and this module prints
``docs/settings.md``.  Airflow loads the table in each of its processes, so this module imports as little as possible.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

SECTION = "sagemaker_mlops"
_HEAD = """# Settings

<!-- Written by `make docs` from `airflow_sagemaker_mlops/settings_table.py`. -->

The section `[sagemaker_mlops]` of Airflow's configuration; in the environment, `AIRFLOW__SAGEMAKER_MLOPS__RECORDS` and
so on. Keywords of a DAG or an operator take precedence. An unknown option is an error.

| option | type | default | example | |
|---|---|---|---|---|
"""


class Option(NamedTuple):
    """An option; ``default`` and ``example`` are text, as in Airflow's configuration."""

    help: str
    default: str = ""
    example: str = ""
    type: str = "string"


OPTIONS = {
    "start_steps_in": Option(
        "Where steps with jobs or endpoints start: ``triggerer`` starts them there without a worker; "
        "``worker`` submits the job in a worker, which then defers to the triggerer.",
        default="triggerer",
        example="worker",
    ),
    "on_invalid": Option(
        "What to do with a DAG whose definition or options are unusable: ``import_error`` shows every "
        "problem as an import error of its file, whose other DAGs Airflow then marks as stale; "
        "``placeholder`` keeps them, and replaces the broken DAG with an unscheduled one that has the "
        "report as its docs.",
        default="import_error",
        example="placeholder",
    ),
    "poll_interval_s": Option(
        "Maximum interval in seconds between polls of running jobs and endpoints.",
        default="30",
        example="60",
        type="integer",
    ),
    "aws_conn_id": Option(
        "Airflow connection used for AWS if aws_conn_id is not given. Empty: boto3's credential chain.",
        default="aws_default",
        example="aws_ml",
    ),
    "region_name": Option(
        "AWS region if neither the operator nor the connection names one. Empty: botocore's default.",
        default="",
        example="eu-west-1",
    ),
    "stage": Option(
        "Stage of this deployment: DAGs with a ``config`` folder beside their file, or in the folder above, take "
        "parameters, role, connection and schedule from ``config/<stage>.yaml``. Empty: no such file is read.",
        default="",
        example="prod",
    ),
    "stubs": Option(
        "File with stub results of steps, as for ``sagemaker-mlops run --stubs``. Only for the embedded "
        "AWS: with a connection to AWS itself, every step fails.",
        default="",
        example="/opt/airflow/stubs.yaml",
    ),
    "records": Option(
        "Location of the runs' records, from which ``CacheConfig`` lets later runs take results: "
        "``s3://bucket/prefix``, written with the connection ``aws_conn_id``, or a folder. Empty: nothing "
        "is recorded, and every step runs.",
        default="",
        example="s3://ml-records/airflow",
    ),
    "prices": Option(
        "YAML or JSON file with the hourly price of each instance type; adds the cost of runs to their "
        "records. Empty for none.",
        default="",
        example="/opt/airflow/prices.yaml",
    ),
    "cache_input_contents": Option(
        "Whether a step with ``CacheConfig`` runs again if the contents of its inputs changed under the "
        "same path. SageMaker Pipelines compares only paths.",
        default="False",
        example="True",
        type="boolean",
    ),
    "fail_on_record_error": Option(
        "Whether a run fails if its record cannot be written.",
        default="False",
        example="True",
        type="boolean",
    ),
    "image_digests": Option(
        "Whether to look up the digests of images in ECR when a run is recorded (``ecr:BatchGetImage``). "
        "Set it to False if workers cannot reach ECR: each run would wait several seconds in vain.",
        default="True",
        example="False",
        type="boolean",
    ),
    "signing_key": Option(
        "Key for signing records: a PEM file with a private key (Ed25519, ECDSA or RSA), or "
        "``awskms:alias/records`` (``kms:Sign`` and ``kms:GetPublicKey``, with the pipeline's connection). "
        "If the key cannot be used, nothing is recorded. Empty: records are not signed.",
        default="",
        example="awskms:alias/ml-records",
    ),
    "anchor_models": Option(
        "Whether to store the hash of a run's record on the models that the run registered, as "
        "``CustomerMetadataProperties`` (``sagemaker:UpdateModelPackage``). EventBridge reports this like "
        "any other change of the model package.",
        default="False",
        example="True",
        type="boolean",
    ),
    "model_cards": Option(
        "Whether to write a model card onto the models that a run registered, if it compared with a champion or "
        "promoted one: data, parameters, metrics, the gate's verdict, run and commit, from the run's record "
        "(``sagemaker:UpdateModelPackage``).",
        default="True",
        example="False",
        type="boolean",
    ),
    "lineage": Option(
        "Whether to write recorded runs to SageMaker Lineage when they end, with the pipeline's connection. "
        "The log of ``pipeline.status`` reports failures, which do not affect the run.",
        default="False",
        example="True",
        type="boolean",
    ),
    "allowed_operators": Option(
        "Operators that ``x-airflow`` steps may name: globs of dotted paths, separated by commas or spaces. "
        "Empty allows any operator, which makes a definition as powerful as a DAG file.",
        default="",
        example="airflow.providers.standard.operators.bash.BashOperator, airflow.providers.amazon.*",
    ),
}


def markdown() -> str:
    """The page."""
    rows = []
    for name, option in OPTIONS.items():
        default, example = (f"`{text}`" if text else "" for text in (option.default, option.example))
        rows.append(f"| `{name}` | {option.type} | {default} | {example} | {option.help.replace('``', '`')} |\n")
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    sys.stdout.write(markdown())
