"""Tasks for groups of the model registry: events for approvals that people give elsewhere, and the champion rollback.

Both are for DAGs of their own beside the pipelines; those are made in ``factory``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk import AssetAlias, BaseOperator, Context, Variable
from airflow.sdk.definitions._internal.types import NOTSET, ArgNotSet

from .. import settings
from ..airflow_versions import AirflowFailException
from ..assets import model_asset

if TYPE_CHECKING:
    from ..registry.champion import Client, Version

VARIABLE = "sagemaker_mlops_approved"  # Airflow variables with what earlier sweeps saw: they outlast `airflow db clean`


class ApprovedModelsOperator(BaseOperator):
    """Looks up the approved versions of a group, and sends an event of ``model_asset`` for each that is new.

    The first sweep of a group remembers what is approved, and sends nothing.  Each version has one event: not another
    one if a pipeline has sent it already, nor if the task is retried; but again if the version was rejected in between.
    The XCom is the list of the ARNs.

    :param model_package_group: name or ARN of the group, which need not exist yet
    :param aws_conn_id: connection; ``None`` for boto3's credential chain; default: ``[sagemaker_mlops] aws_conn_id``
    :param region_name: region; default: the connection's
    """

    template_fields: Sequence[str] = ()

    def __init__(
        self,
        *,
        model_package_group: str,
        aws_conn_id: str | ArgNotSet | None = NOTSET,
        region_name: str | None = None,
        **kwargs: Any,
    ) -> None:
        asset = model_asset(model_package_group)
        kwargs.setdefault("inlets", [asset])
        kwargs.setdefault("outlets", [AssetAlias(f"{asset.name}/sweep")])
        super().__init__(**kwargs)
        self.model_package_group = model_package_group
        self.aws_conn_id = settings.connection(aws_conn_id)
        self.region_name = region_name

    def execute(self, context: Context) -> list[str]:
        """Sweep once."""
        from ..execution.identity import digest
        from ..hooks.aws import aws_for
        from ..hooks.connection import AwsConnection

        ti = context["ti"]
        region = self.region_name or settings.region_name()
        client = aws_for(AwsConnection(self.aws_conn_id, region)).client
        group = self.model_package_group.rpartition("/")[2]
        key = f"{VARIABLE}:{self.aws_conn_id or ''}:{region or ''}:{group}"
        approved = _approved(client, self.model_package_group)
        stored = Variable.get(key, default=None, deserialize_json=True)
        after, new = news_of(stored, approved, digest(ti.dag_id, ti.run_id, ti.task_id)[:16])
        if after != stored:
            Variable.set(key, after, serialize_json=True)
        if new is None:
            self.log.info(
                "first sweep of %s: %d approved versions are remembered, without events", group, len(approved)
            )
            return []
        asset = model_asset(self.model_package_group)
        announced = _model_packages(context["inlet_events"][asset]) if new.first else frozenset()
        sent = []
        for number in new.numbers:
            arn = approved[number]
            if number in new.first and arn in announced:
                self.log.info("%s: a pipeline has sent its event", arn)
                continue
            self._send(context, _version(client, arn))
            sent.append(arn)
        self.log.info("%s: %d approved versions, %d of them new", group, len(approved), len(sent))
        return sent

    def _send(self, context: Context, version: Version) -> None:
        from ..integrations.emit_asset_events import add_event

        ti = context["ti"]
        extra = {**extra_of(version), "dag_id": ti.dag_id, "run_id": ti.run_id}
        alias = next(outlet for outlet in self.outlets if isinstance(outlet, AssetAlias))
        add_event(context["outlet_events"][alias], model_asset(version.group), extra)
        self.log.info("%s was approved: sent its event", version.arn)


@dataclass(frozen=True)
class NewVersions:
    """Versions with an event to send: ``numbers``, of which ``first`` were never seen approved before."""

    numbers: list[int]
    first: frozenset[int]


def news_of(stored: object, approved: Iterable[int], task: str) -> tuple[dict[str, Any], NewVersions | None]:
    """(what to remember, what is new): ``approved`` against what earlier sweeps ``stored``; nothing new at the first.

    ``{"7": {"approved": true, "by": "0a1b", "first": true}}``: whether the version was approved at the last sweep,
    which task has sent its event, and whether that was its first.  It is stored before the task succeeds, which sends
    the events; a retry of the task finds its own name, and sends them again.
    """
    seen: dict[str, dict[str, Any]] = dict(stored) if isinstance(stored, Mapping) else {}
    after = {name: {**one, "approved": False} for name, one in seen.items()}
    news = []
    for number in sorted(approved):
        before = seen.get(str(number), {})
        is_mine = bool(before) and before["by"] == task
        is_new = is_mine or not before.get("approved")
        first = bool(before.get("first")) if is_mine else not before
        by = "" if stored is None else task if is_new else str(before["by"])
        after[str(number)] = {"approved": True, "by": by, "first": first}
        if is_new:
            news.append((number, first))
    if stored is None:
        return after, None
    return after, NewVersions([number for number, _ in news], frozenset(number for number, first in news if first))


def _approved(client: Client, group: str) -> dict[int, str]:
    """{number: ARN} of the approved versions; {} for a group that does not exist yet."""
    from ..registry.champion import approved_versions
    from ..registry.errors import NoSuchGroup

    try:
        return {
            int(row["ModelPackageVersion"]): str(row["ModelPackageArn"])
            for row in approved_versions(client("sagemaker"), group)
        }
    except NoSuchGroup:
        return {}


def _version(client: Client, arn: str) -> Version:
    from ..registry.champion import version_of

    return version_of(client, arn)


def _model_packages(events: Iterable[Any]) -> frozenset[str]:
    """The ARNs in the events of the asset so far."""
    return frozenset(str((event.extra or {}).get("model_package_arn") or "") for event in events)


def extra_of(version: Version) -> dict[str, Any]:
    """The extra of an event: that of a pipeline's event, with who approved the version and why."""
    return dict(_extra(version))


def _extra(version: Version) -> Iterator[tuple[str, Any]]:
    described = version.described
    yield from {
        "model_package_arn": version.arn,
        "model_package_group": version.group,
        "model_package_version": version.number,
        "approval_status": version.approval,
    }.items()
    by = described.get("LastModifiedBy") or {}
    properties = described.get("CustomerMetadataProperties") or {}
    for name, value in (
        ("model_data", version.model_data),
        ("approved_by", by.get("UserProfileName") or (by.get("IamIdentity") or {}).get("Arn")),
        ("sentence", described.get("ApprovalDescription")),
        ("record", properties.get("sagemaker-mlops:record")),
    ):
        if value:
            yield name, str(value)


class ChampionRollbackOperator(BaseOperator):
    """Makes the champion before the present one the champion again, and rejects the present one.

    A retry finishes what was begun and rolls back no further.  Its XCom is the entry of the history, with the key
    ``endpoint_config`` for the configuration that the endpoint serves or is being updated to.

    :param model_package_group: name or ARN of the group
    :param reason: why, for the registry and the history
    :param of: version that has to be the champion now; any if empty
    :param endpoint: endpoint to update to the newest configuration that serves the earlier version; none if empty
    :param history: ``HistoryS3Uri`` of the pipeline; default: what the champion's metadata names
    :param aws_conn_id: connection; ``None`` for boto3's credential chain; default: ``[sagemaker_mlops] aws_conn_id``
    :param region_name: region; default: the connection's
    """

    template_fields: Sequence[str] = ("model_package_group", "reason", "of", "endpoint", "history")

    def __init__(
        self,
        *,
        model_package_group: str,
        reason: str,
        of: str | int = "",
        endpoint: str = "",
        history: str = "",
        aws_conn_id: str | ArgNotSet | None = NOTSET,
        region_name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model_package_group = model_package_group
        self.reason = reason
        self.of = of
        self.endpoint = endpoint
        self.history = history
        self.aws_conn_id = settings.connection(aws_conn_id)
        self.region_name = region_name

    def execute(self, context: Context) -> dict[str, Any]:
        """Roll back, then start the update of the endpoint, after one that is in progress.

        A refusal of the registry fails the task for good.
        """
        from ..execution.identity import digest
        from ..hooks.aws import aws_for
        from ..hooks.connection import AwsConnection
        from ..registry.errors import RegistryError
        from ..registry.rollback import history_for, rollback
        from ..registry.serving import EndpointBusy, start_endpoint_update
        from ..runtime.context import run_started

        if not self.reason.strip():
            raise AirflowFailException("A rollback needs a reason; it goes into the registry and the history.")
        ti, dag_run = context["ti"], context["dag_run"]
        client = aws_for(AwsConnection(self.aws_conn_id, self.region_name or settings.region_name())).client
        by = {"dag_id": ti.dag_id, "run_id": ti.run_id, "user": getattr(dag_run, "triggering_user_name", None) or ""}
        try:
            done = rollback(
                client,
                history_for(client, self.model_package_group, self.history),
                ident=digest(ti.dag_id, ti.run_id, ti.task_id, str(ti.map_index), run_started(dag_run))[:32],
                by={key: value for key, value in by.items() if value},
                reason=self.reason,
                log=self.log.info,
                expected=int(self.of) if str(self.of).strip() else None,
            )
            served = start_endpoint_update(client, self.endpoint, done.version, self.log.info) if self.endpoint else ""
        except EndpointBusy as error:
            raise RuntimeError(str(error)) from None  # a retry waits on
        except RegistryError as error:
            raise AirflowFailException(str(error)) from None
        self.log.info("version %s of %s is the champion again", done.version.number, done.version.group)
        if served:
            self.log.info("%s serves %s or is being updated to it", self.endpoint, served)
        return {**done.entry.as_json(), **({"endpoint_config": served} if served else {})}
