"""The way back to the champion before the present one, as a task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.definitions._internal.types import NOTSET, ArgNotSet

from .. import settings
from ..airflow_versions import AirflowFailException


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
