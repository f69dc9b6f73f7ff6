"""Seals the record of a DAG run from its steps' records, in the pipeline's last task, in a worker.  Blocking."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import settings
from ..execution.step_run import now
from ..hooks.connection import AwsConnection
from ..record_ids import record_id
from .approvals import approvals_of
from .context import iso
from .parameter_values import all_here, param_name
from .pipeline_status import Conclusion
from .recorder import open_records
from .step_task import PipelineSource
from .task_states import run_name_of

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.types import RuntimeTaskInstanceProtocol

    from ..plan.model import Plan
    from ..records.capture.image_digests import Digests
    from ..records.model.prices import Prices
    from ..records.model.record import Parameter
    from ..records.model.run_info import RunInfo
    from ..records.seal.seal import Sealed
    from ..records.seal.signing import Signer

_ENDS = {"skipped": "NotTaken", "failed": "Failed", "success": "Succeeded"}


def seal_record(
    context: Context,
    source: PipelineSource,
    end: Conclusion,
    log: Callable[..., None],
    *,
    inherited: Mapping[str, object],
) -> Sealed | None:
    """Seal the record of the run; ``None`` if nothing is recorded.

    ``inherited`` are parameters with the values of the run that this one resumes.  Recording errors are logged, and do
    not affect how the run ended unless ``fail_on_record_error`` is set.
    """
    location = settings.location_of(source.records)
    if not location:
        return None
    try:
        prices, digests, signer = _prices(log), _registry(source, log), _signer(source)
        sealed = _seal(
            context, source, end, location, inherited=inherited, prices=prices, digests=digests, signer=signer
        )
    except Exception as error:
        if settings.fail_on_record_error():
            raise
        log("the run was not recorded: %s: %s", type(error).__name__, error)
        return None
    log("record %s, sha256 %s", sealed.uri, sealed.sha256)
    _link_to(sealed.uri, context["ti"], log)
    return sealed


def _link_to(uri: str, ti: RuntimeTaskInstanceProtocol, log: Callable[..., None]) -> None:
    """Link the task to the record in the AWS console, unless it is in a folder or in the embedded AWS."""
    if not uri.startswith("s3://"):
        return
    from ..execution.watch.console_links import s3_url
    from ..hooks.aws import aws_for
    from ..links import RunRecordLink

    try:
        aws = aws_for(AwsConnection(settings.aws_conn_id(), settings.region_name()))
        if not aws.is_local:
            ti.xcom_push(key=RunRecordLink.xcom_key, value=s3_url(aws.region, uri))
    except Exception as error:  # a link must not fail a run
        log("the task has no link to the record: %s", error)


def _prices(log: Callable[..., None]) -> Prices | None:
    """The user's prices; with an unreadable file, the record only lacks its cost."""
    from ..records.model.prices import read_prices

    file = settings.prices()
    try:
        return read_prices(Path(file)) if file else None
    except ValueError as error:
        log("the record has no cost: %s", error)
        return None


def _seal(
    context: Context,
    source: PipelineSource,
    end: Conclusion,
    location: str,
    *,
    inherited: Mapping[str, object],
    prices: Prices | None,
    digests: Digests | None,
    signer: Signer | None,
) -> Sealed:
    from ..definition import load_pipeline
    from ..plan import make_plan
    from ..records.capture.run_recorder import seal_run

    loaded = load_pipeline(source.definition, base_dir=source.folder)
    plan, result = make_plan(loaded), end.result
    prefix = f"{source.group}." if source.group else ""
    ends = {name.removeprefix(prefix): _ENDS.get(str(state), "NotStarted") for name, state in end.states.items()}
    for word in ("Stopped", "NotStarted"):
        ends.update(dict.fromkeys((name.removeprefix(prefix) for name in result[word]), word))
    ends.update(dict.fromkeys((name.removeprefix(prefix) for name in result.get("NotSelected", ())), "NotSelected"))
    operator: Any = context["ti"].task
    return seal_run(
        open_records(location),
        plan,
        _identity(context, source, str(result["Status"])),
        parameters=_parameters(context, source, plan, inherited),
        document=loaded.document,
        source_kind=_kind(source.definition),
        ends=ends,
        approvals=approvals_of(context["ti"], operator.steps, source.group),
        prices=prices,
        digests=digests,
        signer=signer,
    )


def _signer(source: PipelineSource) -> Signer | None:
    """The user's key.  An unusable key is an error: an unsigned record would look like a forged one."""
    key = settings.signing_key()
    if not key:
        return None
    from ..hooks.aws import aws_for
    from ..records.seal.signing import open_signer

    return open_signer(key, lambda: aws_for(source.connection).client("kms"))


def _registry(source: PipelineSource, log: Callable[..., None]) -> Digests | None:
    """The registry for image digests; ``None`` if they are disabled."""
    if not settings.image_digests():
        return None
    from ..hooks.aws import aws_for
    from ..records.capture.image_digests import digests_of

    try:
        return digests_of(aws_for(source.connection))
    except Exception as error:  # e.g. from a connection or secrets backend; record the run without digests
        log("images are recorded without digests: %s: %s", type(error).__name__, error)
        return None


def _identity(context: Context, source: PipelineSource, status: str) -> RunInfo:
    from ..records.capture.run_recorder import versions
    from ..records.model.run_info import RunInfo

    run, ti = context["dag_run"], context["ti"]
    bundle = getattr(ti, "bundle_instance", None)
    return RunInfo(
        dag_id=record_id(ti.dag_id, source.group),
        run_id=run_name_of(ti, mapped=source.mapped),
        map_index=ti.map_index if source.mapped else None,
        pipeline=source.pipeline,
        status=status,
        started=iso(getattr(run, "start_date", None)),
        ended=now(),
        trigger=_word(getattr(run, "run_type", "")),
        user=str(getattr(run, "triggering_user_name", None) or ""),
        logical_date=iso(getattr(run, "logical_date", None)),
        clear_number=int(getattr(run, "clear_number", 0) or 0),
        dag_version=str(getattr(ti, "dag_version_id", None) or ""),
        bundle_name=str(getattr(bundle, "name", None) or ""),
        bundle_version=str(getattr(bundle, "version", None) or ""),
        versions=versions(),
    )


def _parameters(
    context: Context, source: PipelineSource, plan: Plan, inherited: Mapping[str, object]
) -> dict[str, Parameter]:
    from ..records.model.record import Parameter

    conf, params = context["dag_run"].conf or {}, context["params"]
    values = all_here([parameter.name for parameter in plan.parameters], source.group, context)
    found: dict[str, Any] = {}
    for parameter in plan.parameters:
        if parameter.name in inherited:
            found[parameter.name] = Parameter(inherited[parameter.name], "source run")
            continue
        in_conf = conf.get(param_name(parameter.name, source.group, params)) is not None
        origin = "conf" if in_conf else "dag" if parameter.name in source.defaults else "default"
        # Airflow has no secret defaults: they are in the DAG file or the definition.
        default = source.defaults.get(parameter.name) or parameter.default
        found[parameter.name] = Parameter(values.get(parameter.name, default), origin)
    return found


def _kind(definition: object) -> str:
    if isinstance(definition, str | Path):
        text = str(definition)
        return "json" if text.endswith(".json") or text.lstrip().startswith("{") else "yaml"
    return "dict" if isinstance(definition, Mapping) else "sdk"


def _word(value: object) -> str:
    return str(getattr(value, "value", value) or "")
