"""QualityCheck and ClarifyCheck: the baseline job in the document, compared with the previous baseline.

The document does not contain the comparison.  It is requested as Model Monitor does from its own containers: the
previous files are mounted and named in the environment, and the container writes ``constraint_violations.json``.
Rules: docs/language/steps/checks.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from ...definition.expressions import parse_value
from ...definition.read.strict_json import NotJson, read_json
from ...definition.values import coerce
from ...s3 import split_uri
from ..aws.calls import as_json, call
from ..aws.threads import in_thread
from ..describe import address_of
from ..exceptions import StepFailed
from ..scope import MAX_READ, Unreadable, name_in, resolve
from ..step_run import StepResult, StepRun, Submitted
from .job import JobRunner, ended_well, result_of, submit_job

if TYPE_CHECKING:
    from ...json_types import AwsShape

VIOLATIONS = "constraint_violations.json"
NO_BASELINE = (
    "needs a previous baseline but has none: none is supplied, and its model package group has no approved version "
    "with one. A first run sets SkipCheck and RegisterNewBaseline."
)
BASELINE_DIR = "/opt/ml/processing/baseline"
# {check: (block of DriftCheckBaselines, its constraints, its statistics)}
REGISTRY = {
    "DATA_QUALITY": ("ModelDataQuality", "Constraints", "Statistics"),
    "MODEL_QUALITY": ("ModelQuality", "Constraints", "Statistics"),
    "DATA_BIAS": ("Bias", "PreTrainingConstraints", ""),
    "MODEL_BIAS": ("Bias", "PostTrainingConstraints", ""),
    "MODEL_EXPLAINABILITY": ("Explainability", "Constraints", ""),
}


@dataclass(frozen=True, slots=True)
class Flags:
    """The step's own keys, resolved.

    previous   S3 URIs of the previous baseline: {"Constraints": ..., "Statistics": ...}; empty if there is none
    """

    skip: bool
    fail: bool
    register: bool
    previous: dict[str, str]


class QualityCheckRunner(JobRunner):
    """Runs a Model Monitor baseline job and evaluates its violations.

    word    the check in messages
    files   {kind of baseline: its file in the job's output}
    """

    request_from = "settings"
    adds_properties = True
    word: ClassVar[str] = "Quality"
    files: ClassVar[Mapping[str, str]] = {"Constraints": "constraints.json", "Statistics": "statistics.json"}

    async def submit(self, run: StepRun) -> Submitted:
        """The job of this attempt, with the previous baseline mounted if drift is checked."""
        flags = await in_thread(run.aws.key, _flags, run)
        if not flags.previous and not (flags.skip and flags.register):
            flags = replace(flags, previous=await _from_registry(run))
            if not flags.previous:
                raise StepFailed(f'Step "{run.identity.step}" {NO_BASELINE}')

        async def change(arguments: dict[str, Any], name: str) -> dict[str, Any]:
            changed = await _with_model_name(run, arguments, name)
            return changed if flags.skip else _with_baseline(changed, flags.previous)

        made = await submit_job(run, change)
        facts = {"skip": flags.skip, "fail": flags.fail, "register": flags.register, "previous": flags.previous}
        return replace(made, facts=facts)

    async def follow(self, run: StepRun, job: Submitted) -> StepResult:
        """Wait for the job, then check whether the new baseline violates the previous one."""
        answer = await ended_well(run, job, address_of(run, job.name))
        flags = Flags(**job.facts)
        folder = _output_folder(answer)
        if not flags.skip:
            await _judge(run, folder, flags, self.word)
        calculated = {kind: f"{folder}/{file}" for kind, file in self.files.items()}
        used = calculated if flags.register else flags.previous
        properties = {f"CalculatedBaseline{kind}": uri for kind, uri in calculated.items()}
        properties |= {f"BaselineUsedForDriftCheck{kind}": used[kind] for kind in calculated if used.get(kind)}
        return result_of(run, job.name, {**answer, **properties}, started=job.since)


class ClarifyCheckRunner(QualityCheckRunner):
    """Runs a Clarify job and evaluates its violations."""

    word = "Clarify"
    files: ClassVar[Mapping[str, str]] = {"Constraints": "analysis.json"}


async def _judge(run: StepRun, folder: str, flags: Flags, word: str) -> None:
    uri = f"{folder}/{VIOLATIONS}"
    try:
        report = _object(await in_thread(run.aws.key, run.scope.read_s3, uri), uri)
    except Unreadable as error:
        raise StepFailed(f'Step "{run.identity.step}": the check wrote no readable report: {error}') from None
    violations = report.get("violations") or []
    if not isinstance(violations, list) or not all(isinstance(one, dict) for one in violations):
        raise StepFailed(f'Step "{run.identity.step}": "violations" in {uri} is not a list of objects.')
    for violation in violations:
        words = [violation.get(key) for key in ("feature_name", "facet", "metric_name", "constraint_check_type")]
        run.log(f"violation: {' '.join(str(word) for word in words if word)}: {violation.get('description', '')}")
    if violations and flags.fail:
        raise StepFailed(
            f'Step "{run.identity.step}": ClientError: {word} check failed. See violation report {uri} '
            f"({len(violations)} violations)"
        )
    run.log(f"{len(violations)} violations of the previous baseline")


def _flags(run: StepRun) -> Flags:
    def value(key: str, fallback: object) -> Any:
        given = run.spec.settings.get(key)
        return fallback if given is None else resolve(parse_value(given, key), run.scope, key)

    def flag(key: str, fallback: bool) -> bool:
        try:
            return bool(coerce(value(key, fallback), "boolean"))
        except ValueError:
            raise StepFailed(f'Step "{run.identity.step}": {key} is {value(key, "")!r}, not a boolean.') from None

    supplied = {kind: value(f"SuppliedBaseline{kind}", None) for kind in ("Constraints", "Statistics")}
    previous = {kind: str(uri) for kind, uri in supplied.items() if uri}
    return Flags(flag("SkipCheck", False), flag("FailOnViolation", True), flag("RegisterNewBaseline", False), previous)


async def _from_registry(run: StepRun) -> dict[str, str]:
    """``DriftCheckBaselines`` of the latest approved version of the step's model package group."""
    given = run.spec.settings.get("ModelPackageGroupName")
    if given is None:
        return {}
    expression = parse_value(given, "ModelPackageGroupName")
    group = name_in(expression, run.scope, "ModelPackageGroupName")
    members = {"ModelPackageGroupName": group, "ModelApprovalStatus": "Approved", "MaxResults": 1}
    order = {"SortBy": "CreationTime", "SortOrder": "Descending"}
    found = await call(run.aws, "sagemaker", "ListModelPackages", **members, **order)
    for summary in found.get("ModelPackageSummaryList") or []:
        named = {"ModelPackageName": summary["ModelPackageArn"]}
        package = as_json(await call(run.aws, "sagemaker", "DescribeModelPackage", **named))
        block, constraints, statistics = REGISTRY[str(run.spec.settings.get("CheckType"))]
        baselines = (package.get("DriftCheckBaselines") or {}).get(block) or {}
        wanted = {"Constraints": baselines.get(constraints), "Statistics": baselines.get(statistics)}
        return {kind: str(source["S3Uri"]) for kind, source in wanted.items() if source}
    return {}


def _with_baseline(arguments: dict[str, Any], previous: dict[str, str]) -> dict[str, Any]:
    inputs = list(arguments.get("ProcessingInputs") or [])
    environment = dict(arguments.get("Environment") or {})
    for kind, uri in previous.items():
        name = f"baseline_{kind.lower()}"
        local = f"{BASELINE_DIR}/{kind.lower()}"
        source = {"S3Uri": uri, "LocalPath": local, "S3DataType": "S3Prefix", "S3InputMode": "File"}
        inputs.append({"InputName": name, "S3Input": source})
        environment[name] = f"{local}/{uri.rsplit('/', 1)[-1]}"
    return {**arguments, "ProcessingInputs": inputs, "Environment": environment}


async def _with_model_name(run: StepRun, arguments: dict[str, Any], job_name: str) -> dict[str, Any]:
    """Copy Clarify's analysis configuration for this job and add the model to host, which may be known only now."""
    given = run.spec.settings.get("ModelName")
    if given is None:
        return arguments
    model = name_in(parse_value(given, "ModelName"), run.scope, "ModelName")
    inputs = [dict(item) for item in arguments.get("ProcessingInputs") or []]
    for item in inputs:
        if item.get("InputName") == "analysis_config":
            uri = str(item["S3Input"]["S3Uri"])
            copied = await in_thread(run.aws.key, _copy_config, run, uri, model, job_name)
            item["S3Input"] = {**item["S3Input"], "S3Uri": copied}
    return {**arguments, "ProcessingInputs": inputs}


def _object(content: bytes, uri: str) -> dict[str, Any]:
    """The JSON object in ``content``.  Raises :class:`Unreadable`."""
    try:
        value = read_json(content, most_bytes=MAX_READ)
    except NotJson as error:
        raise Unreadable(f"{uri} {error.predicate()}") from None
    if not isinstance(value, dict):
        raise Unreadable(f"{uri} does not contain a JSON object")
    return value


def _copy_config(run: StepRun, uri: str, model: object, job_name: str) -> str:
    try:
        config = _object(run.scope.read_s3(uri), uri)
    except Unreadable as error:
        raise StepFailed(f'Step "{run.identity.step}": the analysis configuration cannot be used: {error}') from None
    config["predictor"] = {**(config.get("predictor") or {}), "model_name": model}
    bucket, key = split_uri(uri)
    copy = f"{key.rpartition('/')[0]}/{job_name}/analysis_config.json".lstrip("/")
    run.aws.client("s3").put_object(Bucket=bucket, Key=copy, Body=json.dumps(config).encode())
    return f"s3://{bucket}/{copy}"


def _output_folder(answer: AwsShape) -> str:
    outputs = (answer.get("ProcessingOutputConfig") or {}).get("Outputs") or [{}]
    return str((outputs[0].get("S3Output") or {}).get("S3Uri") or "").rstrip("/")
