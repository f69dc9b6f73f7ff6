"""What Airflow is told about this package: the ``apache_airflow_provider`` entry point.

Airflow calls :func:`get_provider_info` in every one of its processes and validates the answer against
``airflow/provider_info.schema.json``; so this module imports nothing. Operators, triggers and links are
named as text and imported by Airflow when first needed.
"""

from __future__ import annotations

from typing import Any

_PACKAGE = "airflow_sagemaker_mlops"
_INTEGRATION = "Amazon SageMaker Pipelines"


def get_provider_info() -> dict[str, Any]:
    """The provider's description, a new dictionary each time: Airflow adds keys to the one it gets."""
    return {
        "package-name": "airflow-sagemaker-mlops",
        "name": "SageMaker MLOps",
        "description": "Amazon SageMaker Pipelines as native Apache Airflow DAGs.",
        "versions": ["0.1.0"],
        "integrations": [{"integration-name": _INTEGRATION, "tags": ["aws", "machine-learning"]}],
        "operators": [{"integration-name": _INTEGRATION, "python-modules": [f"{_PACKAGE}.operators"]}],
        "triggers": [{"integration-name": _INTEGRATION, "python-modules": [f"{_PACKAGE}.triggers"]}],
        "extra-links": [
            f"{_PACKAGE}.links.AwsConsoleLink",
            f"{_PACKAGE}.links.CloudWatchLogsLink",
            f"{_PACKAGE}.links.S3OutputLink",
        ],
        "config": {
            "sagemaker_mlops": {
                "description": "How the steps of a SageMaker pipeline run. Keywords of a DAG or an operator go first.",
                "options": _options(),
            }
        },
    }


def _options() -> dict[str, dict[str, Any]]:
    """The options of ``[sagemaker_mlops]``. Connections stay Airflow's own ``aws`` type: none is added here."""
    return {
        "start_steps_in": _option(
            "Where steps that wait (jobs, endpoints) are submitted: ``triggerer`` starts them there and holds no "
            "worker; ``worker`` submits in a worker, which then hands over to the triggerer.",
            default="triggerer",
            example="worker",
        ),
        "on_invalid": _option(
            "What becomes of a DAG whose definition or options cannot be used: ``import_error`` shows every problem as "
            "import error of its file, whose other DAGs Airflow then takes for stale; ``placeholder`` keeps them, and "
            "puts an unscheduled DAG with the report as its docs in the place of the broken one.",
            default="import_error",
            example="placeholder",
        ),
        "poll_interval_s": _option(
            "Seconds between two looks at the state of running jobs and endpoints.",
            type_name="integer",
            default="30",
            example="60",
        ),
        "aws_conn_id": _option(
            "Airflow connection used for AWS where aws_conn_id is left out. Empty: boto3's own credential chain.",
            default="aws_default",
            example="aws_ml",
        ),
        "region_name": _option(
            "AWS region where neither the operator nor the connection names one. Empty: botocore's own look-up.",
            default="",
            example="eu-west-1",
        ),
        "stubs": _option(
            "File with declared results of steps, as ``sagemaker-mlops run --stubs`` takes it. Only for the "
            "embedded AWS: with a connection that leads to AWS itself every step fails.",
            default="",
            example="/opt/airflow/stubs.yaml",
        ),
        "records": _option(
            "Where the records of runs are kept, and with them the results that ``CacheConfig`` lets later runs take: "
            "``s3://bucket/prefix``, written with the connection ``aws_conn_id``, or a folder. Empty: nothing is "
            "recorded, and every step runs.",
            default="",
            example="s3://ml-records/airflow",
        ),
        "prices": _option(
            "YAML or JSON file with what an hour of each instance type costs; records then have the cost of their "
            "runs. Empty for none.",
            default="",
            example="/opt/airflow/prices.yaml",
        ),
        "cache_input_contents": _option(
            "Whether a step with ``CacheConfig`` runs again when its inputs' contents changed under the same path. "
            "SageMaker Pipelines only compares paths.",
            type_name="boolean",
            default="False",
            example="True",
        ),
        "fail_on_record_error": _option(
            "Whether a run fails when its record cannot be written.",
            type_name="boolean",
            default="False",
            example="True",
        ),
        "image_digests": _option(
            "Whether ECR is asked for the digests of images when a run is recorded (``ecr:BatchGetImage``). Say False "
            "where ECR cannot be reached from a worker: each run would wait some seconds for nothing.",
            type_name="boolean",
            default="True",
            example="False",
        ),
        "signing_key": _option(
            "Key that records are signed with: a PEM file with a private key (Ed25519, ECDSA or RSA), or "
            "``awskms:alias/records`` (``kms:Sign`` and ``kms:GetPublicKey``, with the pipeline's connection). Where "
            "it cannot be used, nothing is recorded. Empty: records are not signed.",
            default="",
            example="awskms:alias/ml-records",
        ),
        "anchor_models": _option(
            "Whether the hash of a run's record is written onto the models that the run registered, as "
            "``CustomerMetadataProperties`` (``sagemaker:UpdateModelPackage``). EventBridge tells of that change of "
            "the model package as of any other.",
            type_name="boolean",
            default="False",
            example="True",
        ),
        "lineage": _option(
            "Whether recorded runs are written into SageMaker Lineage at their end, with the pipeline's connection. "
            "What cannot be written is told in the log of ``pipeline.status`` and changes nothing.",
            type_name="boolean",
            default="False",
            example="True",
        ),
        "allowed_operators": _option(
            "Operators that ``x-airflow`` steps of definitions may name: globs of dotted paths, separated by commas or "
            "spaces. Empty allows any, and then a definition is as powerful as a DAG file.",
            default="",
            example="airflow.providers.standard.operators.bash.BashOperator, airflow.providers.amazon.*",
        ),
    }


def _option(description: str, *, default: str, example: str, type_name: str = "string") -> dict[str, Any]:
    """One option in the shape that Airflow's schema requires, where every value is text."""
    return {
        "description": description,
        "version_added": "0.1.0",
        "type": type_name,
        "example": example,
        "default": default,
    }
