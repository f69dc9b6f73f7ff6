"""x-champion and x-promote-champion: who the champion of a model package group is, and another one in its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ...definition.expressions import parse_value
from ...definition.model import Get
from ...registry.champion import Version, champion_if_any, drift_baseline_of, require_model_data
from ...registry.change import Baseline, Change, Changed, baseline_of
from ...registry.errors import ChampionChanged, RegistryError
from ...registry.history import History
from ...registry.promotion import promote
from ..aws.threads import in_thread
from ..exceptions import StepFailed
from ..identity import digest
from ..request import resolved_arguments, show_request
from ..step_run import StepResult, StepRun, now
from .base import Runner
from .job import result_of

Answer = TypeVar("Answer")
CHANGED = "ChampionChanged"  # fact of a step that lost against another promotion


class ChampionRunner(Runner):
    """Reads the champion."""

    request_from = "arguments"
    has_default_stub = True

    async def run(self, run: StepRun) -> StepResult:
        """Find the champion and its model.  Raises :class:`StepFailed` for a group that does not exist."""
        started = now()
        arguments = await resolved_arguments(run)
        await show_request(run, arguments)
        group = _text(run, arguments, "ModelPackageGroupName")
        may_be_missing = str(arguments.get("GroupMayBeMissing") or "").lower() == "true"
        champion, history, baseline = await _registry_call(run, lambda: _read(run, group, arguments, may_be_missing))
        properties: dict[str, Any] = {
            "Exists": champion is not None,
            "ModelPackageArn": champion.arn if champion is not None else "",
            "ModelPackageVersion": champion.number if champion is not None else 0,
            "Stage": champion.stage if champion is not None else "",
            "Baseline": str(baseline),
        }
        if champion is not None:
            properties |= {"ModelDataUrl": champion.model_data} if champion.model_data else {}
            properties |= await _drift_baseline(run, champion, history)
            run.log(f"the champion of {group} is version {champion.number} ({champion.stage or 'no stage'})")
        elif history is not None:
            marker = await in_thread(run.aws.key, history.write_marker)
            properties |= {"ModelDataUrl": marker, "DriftBaseline": marker}
            run.log(f"{group} has no champion; {properties['ModelDataUrl']} says so")
        else:
            run.log(f"{group} has no champion")
        return result_of(run, champion.arn if champion is not None else "", properties, started=started)


def _read(
    run: StepRun, group: str, arguments: Mapping[str, object], may_be_missing: bool
) -> tuple[Version | None, History | None, Baseline]:
    history = History(run.aws.client("s3"), uri, group) if (uri := _optional(run, arguments, "HistoryS3Uri")) else None
    champion = champion_if_any(run.aws.client, group, group_may_be_missing=may_be_missing)
    if champion is not None:
        require_model_data(run.aws.client, champion)
    return champion, history, baseline_of(champion, history)


async def _drift_baseline(run: StepRun, champion: Version, history: History | None) -> dict[str, str]:
    """``DriftBaseline`` of a champion; a marker is only written for steps that read the property."""
    if baseline := drift_baseline_of(champion):
        return {"DriftBaseline": baseline}
    if history is None or (run.spec.outputs != "all" and "DriftBaseline" not in run.spec.outputs):
        return {}
    marker = await in_thread(run.aws.key, history.write_baseline_marker, champion.arn)
    run.log(f"version {champion.number} was registered without DriftCheckBaselines; {marker} says so")
    return {"DriftBaseline": marker}


class PromoteChampionRunner(Runner):
    """Makes a version the champion; a retry of a promotion that was made makes none."""

    request_from = "arguments"
    has_default_stub = True

    async def run(self, run: StepRun) -> StepResult:
        """Promote the version.  Raises :class:`StepFailed` if the champion changed since the comparison."""
        started = now()
        arguments = await resolved_arguments(run)
        await show_request(run, arguments)
        try:
            changed = await _registry_call(run, lambda: _promoted(run, arguments))
        except StepFailed as error:
            if isinstance(error.__cause__, ChampionChanged):
                if champion := _compared_in(run):
                    run.log(f'to compare again, run "{champion}" and what is downstream of it')
                error.result = _lost(run, started, arguments, str(error.__cause__)).as_json()
            raise
        entry, version = changed.entry, changed.version
        if changed.superseded is not None:
            run.log(f"{changed.superseded.uri} has changed the champion since")
        properties = {
            "ModelPackageArn": version.arn,
            "ModelPackageVersion": version.number,
            "ReplacedModelPackageArn": entry.replaced,
            "Number": entry.number,
            "HistoryEntry": entry.uri,
        }
        run.log(f"version {version.number} of {version.group} is the champion (change {entry.number})")
        return result_of(run, version.arn, properties, started=started)


def _promoted(run: StepRun, arguments: Mapping[str, object]) -> Changed:
    """Promote the version in ``arguments``.  Blocking."""
    identity = run.identity
    group = _text(run, arguments, "ModelPackageGroupName")
    history = History(run.aws.client("s3"), _text(run, arguments, "HistoryS3Uri"), group)
    change = Change(
        model_package=_text(run, arguments, "ModelPackageArn"),
        baseline=Baseline.parse(_text(run, arguments, "Baseline")),
        # A clear keeps it: who clears a promotion that was made wants no second one.
        ident=digest(identity.step_digest, identity.run_started)[:32],
        by={"dag_id": identity.dag_id, "run_id": identity.run_name, "step": identity.step},
        sentence=_optional(run, arguments, "Sentence"),
    )
    return promote(run.aws.client, history, change, run.log)


def _lost(run: StepRun, started: str, arguments: Mapping[str, object], why: str) -> StepResult:
    """What a step that lost leaves, so that whoever runs the pipeline can have it compare again."""
    facts = {CHANGED: {"Baseline": str(arguments.get("Baseline")), "From": _compared_in(run), "Sentence": why}}
    step, kind = run.identity.step, run.step_type
    return StepResult(step, kind, None, None, {}, started, now(), status="Failed", facts=facts)


def _compared_in(run: StepRun) -> str:
    """The step whose ``Baseline`` is read; "" if it comes from elsewhere."""
    given = (run.spec.arguments or {}).get("Baseline")
    expression = parse_value(given, "Arguments.Baseline")
    return expression.name if isinstance(expression, Get) and expression.root == "Steps" else ""


async def _registry_call(run: StepRun, work: Callable[[], Answer]) -> Answer:
    """What ``work`` gives, its errors as :class:`StepFailed`."""
    try:
        return await in_thread(run.aws.key, work)
    except RegistryError as error:
        raise StepFailed(f'Step "{run.identity.step}": {error}') from error


def _text(run: StepRun, arguments: Mapping[str, object], key: str) -> str:
    text = _optional(run, arguments, key)
    if not text:
        raise StepFailed(f'Step "{run.identity.step}": Arguments.{key} is {arguments.get(key)!r}, which names nothing.')
    return text


def _optional(run: StepRun, arguments: Mapping[str, object], key: str) -> str:
    value = arguments.get(key)
    if value is not None and not isinstance(value, str):
        raise StepFailed(f'Step "{run.identity.step}": Arguments.{key} is {value!r}, which is not a string.')
    return value or ""
