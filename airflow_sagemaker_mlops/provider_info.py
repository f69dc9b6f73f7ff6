"""This package's metadata for Airflow: the ``apache_airflow_provider`` entry point.

Airflow calls :func:`get_provider_info` in every one of its processes and validates the answer against
``airflow/provider_info.schema.json``, so this module imports nothing. Operators, triggers and links are
named as text and imported by Airflow when first needed.
"""

from __future__ import annotations

from typing import Any

_PACKAGE = "airflow_sagemaker_mlops"
_INTEGRATION = "Amazon SageMaker Pipelines"


def get_provider_info() -> dict[str, Any]:
    """The provider's description, a new dictionary each time, because Airflow adds keys to it."""
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
                "description": "How the steps of a SageMaker pipeline run. Keywords of a DAG or operator override it.",
                "options": _options(),
            }
        },
    }


def _options() -> dict[str, dict[str, Any]]:
    """The options of ``[sagemaker_mlops]``. There is no connection type: Airflow's ``aws`` type is used."""
    return {
        "start_steps_in": _option(
            "Where steps with jobs or endpoints start: ``triggerer`` starts them there without a worker; ``worker`` "
            "submits the job in a worker, which then defers to the triggerer.",
            default="triggerer",
            example="worker",
        ),
        "on_invalid": _option(
            "What to do with a DAG whose definition or options are unusable: ``import_error`` shows every problem as "
            "an import error of its file, whose other DAGs Airflow then marks as stale; ``placeholder`` keeps them, "
            "and replaces the broken DAG with an unscheduled one that has the report as its docs.",
            default="import_error",
            example="placeholder",
        ),
        "poll_interval_s": _option(
            "Maximum interval in seconds between polls of running jobs and endpoints.",
            type_name="integer",
            default="30",
            example="60",
        ),
        "aws_conn_id": _option(
            "Airflow connection used for AWS if aws_conn_id is not given. Empty: boto3's credential chain.",
            default="aws_default",
            example="aws_ml",
        ),
        "region_name": _option(
            "AWS region if neither the operator nor the connection names one. Empty: botocore's default.",
            default="",
            example="eu-west-1",
        ),
        "stubs": _option(
            "File with stub results of steps, as for ``sagemaker-mlops run --stubs``. Only for the embedded AWS: with "
            "a connection to AWS itself, every step fails.",
            default="",
            example="/opt/airflow/stubs.yaml",
        ),
        "records": _option(
            "Location of the runs' records, from which ``CacheConfig`` lets later runs take results: "
            "``s3://bucket/prefix``, written with the connection ``aws_conn_id``, or a folder. Empty: nothing is "
            "recorded, and every step runs.",
            default="",
            example="s3://ml-records/airflow",
        ),
        "prices": _option(
            "YAML or JSON file with the hourly price of each instance type; adds the cost of runs to their records. "
            "Empty for none.",
            default="",
            example="/opt/airflow/prices.yaml",
        ),
        "cache_input_contents": _option(
            "Whether a step with ``CacheConfig`` runs again if the contents of its inputs changed under the same path. "
            "SageMaker Pipelines compares only paths.",
            type_name="boolean",
            default="False",
            example="True",
        ),
        "fail_on_record_error": _option(
            "Whether a run fails if its record cannot be written.",
            type_name="boolean",
            default="False",
            example="True",
        ),
        "image_digests": _option(
            "Whether to look up the digests of images in ECR when a run is recorded (``ecr:BatchGetImage``). Set it to "
            "False if workers cannot reach ECR: each run would wait several seconds in vain.",
            type_name="boolean",
            default="True",
            example="False",
        ),
        "signing_key": _option(
            "Key for signing records: a PEM file with a private key (Ed25519, ECDSA or RSA), or "
            "``awskms:alias/records`` (``kms:Sign`` and ``kms:GetPublicKey``, with the pipeline's connection). If the "
            "key cannot be used, nothing is recorded. Empty: records are not signed.",
            default="",
            example="awskms:alias/ml-records",
        ),
        "anchor_models": _option(
            "Whether to store the hash of a run's record on the models that the run registered, as "
            "``CustomerMetadataProperties`` (``sagemaker:UpdateModelPackage``). EventBridge reports this like any "
            "other change of the model package.",
            type_name="boolean",
            default="False",
            example="True",
        ),
        "lineage": _option(
            "Whether to write recorded runs to SageMaker Lineage when they end, with the pipeline's connection. The "
            "log of ``pipeline.status`` reports failures, which do not affect the run.",
            type_name="boolean",
            default="False",
            example="True",
        ),
        "allowed_operators": _option(
            "Operators that ``x-airflow`` steps may name: globs of dotted paths, separated by commas or "
            "spaces. Empty allows any operator, which makes a definition as powerful as a DAG file.",
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
