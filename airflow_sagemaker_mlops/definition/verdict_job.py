"""The processing job of a step that gives a verdict: its request, as it is written or with expressions as objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .expressions import is_expression

OUTPUT = "report"
OUTPUT_PATH = "/opt/ml/processing/output/report"
REPORT_FILE = "report.json"
_INPUTS = "/opt/ml/processing/input"
_CODE, _RULES = "code", "rules"
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
FOLDER = "S3Uri"  # of Job: where the step keeps its archive, its rules and its reports


@dataclass(frozen=True, slots=True)
class Program:
    """What a job is to do.

    settings   content of the file that the program is given as ``--rules``
    options    further options, without those for inputs and output: {name: value, or an expression}
    """

    settings: Any
    options: Mapping[str, Any]


def job_arguments(
    inherited: Mapping[str, object], job: Mapping[str, object], inputs: Mapping[str, object]
) -> dict[str, Any]:
    """The request of the job, but for its code and its rules, which it is given when it is submitted.

    Works on arguments as they are written and on parsed ones alike.

    inherited   arguments of the step that wrote the data
    job         the step's own ``Job``
    inputs      {name: where it lies, as S3 URI or expression}; the program has an option of each name
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
    arguments["ProcessingInputs"] = [_input(name, uri) for name, uri in inputs.items()]
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
    arguments: Mapping[str, Any], files: Sequence[str], options: Mapping[str, Any], *, reports: Any
) -> dict[str, Any]:
    """``arguments`` with the program and its rules as inputs, and its report as output.

    files     S3 URIs of the two files of :func:`files_of`
    options   of a :class:`Program`
    reports   S3 URI of a folder for the report of this job alone, or an expression
    """
    code, rules = files
    given = arguments.get("ProcessingInputs") or ()
    words = {
        **{item["InputName"]: item["S3Input"]["LocalPath"] for item in given},
        "rules": f"{_path_of(_RULES)}/{rules.rpartition('/')[2]}",
        "output": OUTPUT_PATH,
        **options,
    }
    program = {
        "ContainerEntrypoint": ["python3", f"{_path_of(_CODE)}/{code.rpartition('/')[2]}"],
        "ContainerArguments": [word for option, value in words.items() for word in (f"--{option}", value)],
    }
    target = {"S3Uri": reports, "LocalPath": OUTPUT_PATH, "S3UploadMode": "EndOfJob"}
    return {
        **arguments,
        "AppSpecification": {**(arguments.get("AppSpecification") or {}), **program},
        "ProcessingInputs": [*given, _input(_CODE, code), _input(_RULES, rules)],
        "ProcessingOutputConfig": {
            **(arguments.get("ProcessingOutputConfig") or {}),
            "Outputs": [{"OutputName": OUTPUT, "S3Output": target}],
        },
    }


def _path_of(name: str) -> str:
    return f"{_INPUTS}/{name}"


def _input(name: str, uri: object) -> dict[str, Any]:
    source = {"S3Uri": uri, "LocalPath": _path_of(name), "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": source}


def folder_beside(data: str, name: str) -> str:
    """The folder ``name`` beside the ``data`` that is judged; "" where that is at no place in S3."""
    from ..s3 import split_uri  # parsing a DAG file does not need it

    bucket, path = split_uri(data.rstrip("/"))
    if not data.startswith("s3://") or not bucket:
        return ""
    return "/".join(part for part in ("s3:/", bucket, path.rpartition("/")[0], name) if part)


def files_of(name: str, archive: Callable[[], bytes], settings: object) -> dict[str, bytes]:
    """{file name: content} of the program ``name`` and its ``settings``, in this order; the names hold their hashes."""
    import hashlib
    import json

    text = json.dumps(settings, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    contents = ((f"{name}-{{}}.pyz", archive()), ("rules-{}.json", text))
    return {file.format(hashlib.sha256(content).hexdigest()): content for file, content in contents}
