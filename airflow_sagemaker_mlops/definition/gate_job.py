"""The processing job that a champion gate becomes: its request, as it is written or with expressions as objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .expressions import is_expression

INPUT = "predictions"
OUTPUT = "report"
CODE, RULES = "code", "rules"
CODE_PATH = "/opt/ml/processing/input/code"
RULES_PATH = "/opt/ml/processing/input/rules"
INPUT_PATH = "/opt/ml/processing/input/predictions"
OUTPUT_PATH = "/opt/ml/processing/output/report"
REPORT_FILE = "report.json"
VALUES_FILE = "values.json"  # among the predictions: numbers of both models that were measured elsewhere
GATE_FOLDER = "champion-gate"  # beside the predictions, where "Job" names no other place
DEFAULT_NO_CHAMPION = "approve"
IF_NO_CHAMPION_OPTION = "if-no-champion"  # of the program: the verdict where the predictions have no champion
# {key of Job: where it goes in the request of CreateProcessingJob}
JOB_KEYS: Mapping[str, tuple[str, ...]] = {
    "ImageUri": ("AppSpecification", "ImageUri"),
    "RoleArn": ("RoleArn",),
    "InstanceType": ("ProcessingResources", "ClusterConfig", "InstanceType"),
    "VolumeSizeInGB": ("ProcessingResources", "ClusterConfig", "VolumeSizeInGB"),
    "VolumeKmsKeyId": ("ProcessingResources", "ClusterConfig", "VolumeKmsKeyId"),
    "OutputKmsKeyId": ("ProcessingOutputConfig", "KmsKeyId"),
    "MaxRuntimeInSeconds": ("StoppingCondition", "MaxRuntimeInSeconds"),
    "NetworkConfig": ("NetworkConfig",),
    "Tags": ("Tags",),
    "Environment": ("Environment",),
}
FOLDER = "S3Uri"  # of Job: where the gate keeps its archive, its rules and its reports


def job_arguments(inherited: Mapping[str, Any], job: Mapping[str, Any], predictions: object) -> dict[str, Any]:
    """The request of the gate's job, but for its code and its rules, which it is given when it is submitted.

    Works on arguments as they are written and on parsed ones alike.

    inherited    arguments of the step that wrote the predictions
    job          the gate's own ``Job``
    predictions  where they lie: an S3 URI, or an expression
    """
    resources = member_at(inherited, ("ProcessingResources", "ClusterConfig"))
    cluster = dict(resources) if isinstance(resources, Mapping) and not is_expression(resources) else {}
    arguments: dict[str, Any] = {"ProcessingResources": {"ClusterConfig": {**cluster, "InstanceCount": 1}}}
    for path in JOB_KEYS.values():
        if path[:1] not in (("Environment",), ("StoppingCondition",)):  # those are for the other program
            _put(arguments, path, member_at(inherited, path))
    for key, path in JOB_KEYS.items():
        _put(arguments, path, job.get(key))
    config = arguments["ProcessingResources"]["ClusterConfig"]
    config.setdefault("InstanceType", "ml.m5.large")
    config.setdefault("VolumeSizeInGB", 30)
    arguments["ProcessingInputs"] = [_input(INPUT, predictions, INPUT_PATH)]
    return arguments


def member_at(value: object, path: tuple[str, ...]) -> Any:
    """The member of nested objects at ``path``; ``None`` where there is none."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _put(arguments: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    if value is None:
        return
    for key in path[:-1]:
        arguments = arguments.setdefault(key, {})
    arguments[path[-1]] = value


def with_program(
    arguments: Mapping[str, Any], files: Sequence[str], rules: Any, *, reports: Any, no_champion: Mapping[str, Any]
) -> dict[str, Any]:
    """``arguments`` with the gate's program and its rules as inputs, and its report as output.

    files         S3 URIs of the two files that :func:`files_of` the ``rules`` are
    reports       S3 URI of a folder for the report of this job alone, or an expression
    no_champion   options about having no champion: {name: value, or an expression}
    """
    from ..gate.rules import EXTERNAL, kind_of

    code, rules_file = files
    options: dict[str, Any] = {
        "predictions": INPUT_PATH,
        "rules": f"{RULES_PATH}/{rules_file.rpartition('/')[2]}",
        "output": OUTPUT_PATH,
        **no_champion,
    }
    if any(isinstance(rule, Mapping) and kind_of(str(rule.get("Metric"))) == EXTERNAL for rule in rules):
        options["values"] = f"{INPUT_PATH}/{VALUES_FILE}"
    program = {
        "ContainerEntrypoint": ["python3", f"{CODE_PATH}/{code.rpartition('/')[2]}"],
        "ContainerArguments": [word for option, value in options.items() for word in (f"--{option}", value)],
    }
    target = {"S3Uri": reports, "LocalPath": OUTPUT_PATH, "S3UploadMode": "EndOfJob"}
    return {
        **arguments,
        "AppSpecification": {**(arguments.get("AppSpecification") or {}), **program},
        "ProcessingInputs": [
            *(arguments.get("ProcessingInputs") or ()),
            _input(CODE, code, CODE_PATH),
            _input(RULES, rules_file, RULES_PATH),
        ],
        "ProcessingOutputConfig": {
            **(arguments.get("ProcessingOutputConfig") or {}),
            "Outputs": [{"OutputName": OUTPUT, "S3Output": target}],
        },
    }


def _input(name: str, uri: object, path: str) -> dict[str, Any]:
    source = {"S3Uri": uri, "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": source}


def folder_beside(predictions: str) -> str:
    """The folder of a gate beside its predictions; "" where those are at no place in S3."""
    bucket, _, path = predictions.rstrip("/").removeprefix("s3://").partition("/")
    if not predictions.startswith("s3://") or not bucket:
        return ""
    return "/".join(part for part in ("s3:/", bucket, path.rpartition("/")[0], GATE_FOLDER) if part)


def files_of(rules: object) -> dict[str, bytes]:
    """{name: content} of the gate's program and its ``rules``, in this order; the names hold hashes of the contents."""
    import hashlib
    import json

    from ..gate import archive

    text = json.dumps(rules, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    contents = (("gate-{}.pyz", archive()), ("rules-{}.json", text))
    return {name.format(hashlib.sha256(content).hexdigest()): content for name, content in contents}
