"""Reads a stage's configuration strictly: unknown keys and invalid values are refused with file and line.

Needs neither Airflow nor boto3, because a DAG file reads it when it is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..definition.problems import Problem, did_you_mean, key_text
from .model import BAD_KEY, BAD_VALUE, InvalidStage, PipelineStage, Stage, refusal

if TYPE_CHECKING:
    from ..json_types import JsonObject

MAX_BYTES = 1_000_000
MAX_ENTRIES = 1_000  # of a mapping or a list
LONGEST_TEXT = 8_192
NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,249}", re.ASCII)
PROJECT = re.compile(r"[A-Za-z0-9][\w-]{0,62}", re.ASCII)
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+){1,3}-\d", re.ASCII)
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:(?:role|user)/[\w+=,.@/-]+", re.ASCII)
_S3 = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[^\x00-\x1f]*)?")
_GROUP = re.compile(
    r"(?:arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:model-package-group/)?[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62}", re.ASCII
)
_ENDPOINT = re.compile(r"[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62}", re.ASCII)

Wrong = str  # what the sentence says was expected; empty for a valid value
Check = Callable[[object], Wrong]


def _like(pattern: re.Pattern[str], expected: str, value: object) -> Wrong:
    return "" if isinstance(value, str) and pattern.fullmatch(value) else expected


def _text(value: object) -> Wrong:
    return "" if isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT else "a string that is not empty"


def _text_or_null(value: object) -> Wrong:
    return "" if value is None else _text(value) and f"{_text(value)}, or null"


def _account(value: object) -> Wrong:
    expected = "an account number of 12 digits"
    if isinstance(value, int) and not isinstance(value, bool):
        return f'{expected} in quotation marks, because YAML reads digits as a number: "{value:012d}"'
    return _like(_ACCOUNT, expected, value)


def _records(value: object) -> Wrong:
    return _text(value) and "s3://bucket/prefix, a folder, or off"


def _count(value: object) -> Wrong:
    fits = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return "" if fits else "a whole number, 0 for no limit"


def _texts(value: object) -> Wrong:
    fits = isinstance(value, list) and len(value) <= MAX_ENTRIES and not any(_text(one) for one in value)
    return "" if fits else "a list of strings"


def _path(value: object) -> Wrong:
    expected = "a path inside the project that does not go up"
    if not isinstance(value, str) or not value or len(value) > LONGEST_TEXT or "\\" in value or "\0" in value:
        return expected
    parts = value.split("/")
    return expected if value.startswith("/") or ".." in parts else ""


def _value(value: object) -> Wrong:
    if isinstance(value, str) and ("{{" in value or "{%" in value):
        return "a plain value, and put the template into parameters= of the DAG file, where Airflow renders it"
    return "" if isinstance(value, str | int | float | bool) else "a string, a number or a boolean"


def _object(value: object) -> Wrong:
    return "" if isinstance(value, Mapping) else "an object"


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object whose values fit ``check``; ``expected`` describes the object."""

    check: Check
    expected: str

    def __call__(self, value: object) -> Wrong:
        """What was expected instead of ``value``; its members are not checked."""
        return "" if isinstance(value, Mapping) and len(value) <= MAX_ENTRIES else self.expected


_S3_URI: Check = partial(_like, _S3, "an S3 URI, s3://bucket/prefix")
_SHARED: dict[str, Check] = {
    "parameters": MapOf(_value, "an object of parameter names and values, {Bucket: ml-prod}"),
    "steps": MapOf(_object, "an object of step names and Airflow arguments, {Train: {retries: 2}}"),
    "schedule": _text_or_null,
}
KEYS: dict[str, Check] = {
    "project": partial(_like, PROJECT, "a name of up to 63 letters, digits, dashes and underscores"),
    "account": _account,
    "region": partial(_like, _REGION, "an AWS region, e.g. eu-west-1"),
    "aws_conn_id": _text_or_null,
    "assume_role_arn": partial(_like, _ROLE, "the ARN of a role"),
    "external_id": _text,
    "principal": partial(_like, _ROLE, "the ARN of a role or user"),
    "deployer": partial(_like, _ROLE, "the ARN of a role or user"),
    "records": _records,
    "champions": _S3_URI,
    "model_package_group": partial(_like, _GROUP, "the name or ARN of a model package group"),
    "endpoint": partial(_like, _ENDPOINT, "the name of an endpoint"),
    "max_parallel_steps": _count,
    "queue": _text,
    "pool": _text,
    "tags": _texts,
    "releases": _S3_URI,
    "dags": _text,
    "dag_folder": _path,
    "code": MapOf(_path, "an object of parameter names and paths inside the project, {CodeUri: steps}"),
    **_SHARED,
    "pipelines": MapOf(_object, "an object of pipeline names and settings, {churn: {definition: …}}"),
}
PIPELINE_KEYS: dict[str, Check] = {"definition": _path, "pipeline_name": partial(_like, NAME, "a name"), **_SHARED}


def parse_stage(text: str, name: str, file: str, root: Path) -> Stage:
    """The stage in ``text``.

    :param name: the stage
    :param file: name of the file in messages
    :param root: folder of the project
    :raises InvalidPipeline: SM356 and SM357, with every problem of the file
    """
    document = _document(text, file)
    problems = list(_problems(document, KEYS, "$", "a stage configuration"))
    entries = document.get("pipelines")
    for key, entry in entries.items() if isinstance(entries, Mapping) else ():
        place = f"$.pipelines{key_text(key)}"
        if not NAME.fullmatch(key):
            what = f'"{key[:80]}" is not the name of a pipeline.'
            problems.append(Problem(BAD_VALUE, place, what, "Write the id of its DAG or task group."))
        if isinstance(entry, Mapping):
            problems += _problems(entry, PIPELINE_KEYS, place, "an entry of pipelines")
    problems += _misfits(document)
    if problems:
        raise refusal(file, text, problems)
    return _stage(document, text, name, file, root)


def _document(text: str, file: str) -> JsonObject:
    from ..definition.read.lossy_scalars import settle
    from ..definition.read.yaml_source import YamlRefused, load_yaml

    if len(text) > MAX_BYTES:
        raise InvalidStage(file, [Problem(BAD_VALUE, "$", f"the file is larger than {MAX_BYTES:,} bytes.")])
    try:
        read = load_yaml(text)
    except YamlRefused as refused:
        raise InvalidStage(file, [refused.problem]) from None
    if read.problems:
        raise InvalidStage(file, read.problems)
    if len(read.documents) > 1:
        what = "the file has several documents, and a stage is one."
        raise InvalidStage(file, [Problem(BAD_VALUE, "$", what, "Remove the lines with ---.")])
    document = settle(read.documents[0])[0] if read.documents else None
    if document is None:
        return {}
    if not isinstance(document, dict):
        what = "the file is not an object of settings."
        raise InvalidStage(file, [Problem(BAD_VALUE, "$", what, "Write key: value lines.", line=1, column=1)])
    return document


def _problems(given: JsonObject, keys: Mapping[str, Check], place: str, owner: str) -> Iterable[Problem]:
    for key, value in given.items():
        where = f"{place}{key_text(key)}"
        check = keys.get(key)
        if check is None:
            yield Problem(BAD_KEY, where, f'{owner} has no key "{key[:80]}".', did_you_mean(key, keys))
        elif expected := check(value):
            yield Problem(BAD_VALUE, where, f"{key} is {_shown(value)}.", f"Write {expected}.")
        elif isinstance(check, MapOf) and isinstance(value, Mapping):
            for name, item in value.items():
                if wrong := check.check(item):
                    what = f'{key} has {_shown(item)} for "{name[:80]}".'
                    yield Problem(BAD_VALUE, f"{where}{key_text(name)}", what, f"Write {wrong}.")


def _misfits(document: JsonObject) -> Iterable[Problem]:
    """Problems of values that exclude or require each other."""
    if "external_id" in document and "assume_role_arn" not in document:
        what = "external_id is given without the role that requires it."
        yield Problem(BAD_VALUE, "$.external_id", what, "Add assume_role_arn, or remove external_id.")
    code, parameters = document.get("code"), document.get("parameters")
    if isinstance(code, Mapping) and isinstance(parameters, Mapping):
        for name in code:
            if name in parameters:
                what = f'"{name}" has a value in parameters and a path in code, and only one of the two can apply.'
                yield Problem(BAD_VALUE, f"$.code{key_text(name)}", what, "Remove one of them.")


def _shown(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


def _stage(document: JsonObject, text: str, name: str, file: str, root: Path) -> Stage:
    plain: dict[str, Any] = dict(document)  # KEYS has checked the types
    tags = tuple(plain.pop("tags", None) or ())
    pipelines = {key: _pipeline(entry) for key, entry in (plain.pop("pipelines", None) or {}).items()}
    for key in ("releases", "champions", "dags", "records"):
        if isinstance(plain.get(key), str):
            plain[key] = plain[key].rstrip("/") or "/"
    return Stage(name, file, root, text, frozenset(document), tags=tags, pipelines=pipelines, **plain)


def _pipeline(entry: Mapping[str, Any]) -> PipelineStage:
    return PipelineStage(**entry, has_schedule="schedule" in entry)
