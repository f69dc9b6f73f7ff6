"""Links from a step's task to AWS (console page, logs and output), and from the status task to the run.

Links are XComs that the step writes while it runs, so they exist before it ends and survive deferral.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


class _StoredLink(BaseOperatorLink):
    """A link whose address a running step stored under ``xcom_key``."""

    fact: ClassVar[str] = ""

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """The stored address.  Airflow calls this when a task ends and overwrites the XCom with the result."""
        from airflow.sdk.execution_time.xcom import XCom

        from .task_log import absence_expected

        with absence_expected():
            stored = XCom.get_one(
                key=self.xcom_key,
                dag_id=ti_key.dag_id,
                task_id=ti_key.task_id,
                run_id=ti_key.run_id,
                map_index=ti_key.map_index,
            )
        return str(stored or "")


class AwsConsoleLink(_StoredLink):
    """The job, model or endpoint in the AWS console."""

    name = "AWS console"
    xcom_key = "console"
    fact = "console"


class CloudWatchLogsLink(_StoredLink):
    """The log streams of the step's containers."""

    name = "CloudWatch logs"
    xcom_key = "logs"
    fact = "logs"


class S3OutputLink(_StoredLink):
    """The step's output in S3."""

    name = "S3 output"
    xcom_key = "output"
    fact = "output"


class RunRecordLink(_StoredLink):
    """The run's record in S3."""

    name = "Run record"
    xcom_key = "record"
    fact = "record"


class RunPageLink(BaseOperatorLink):
    """The page of the run in the API server, for Airflow 3.0 and for people who may not see the tabs of plugins."""

    name = "Run page"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """The address, as a path on the server of Airflow's own pages."""
        from urllib.parse import urlencode

        from .plan.model import STATUS_TASK_ID

        group = str(ti_key.task_id).removesuffix(STATUS_TASK_ID).rstrip(".")
        asked: dict[str, object] = {"dag_id": ti_key.dag_id, "run_id": ti_key.run_id}
        asked |= ({"group": group} if group else {}) | ({"instance": ti_key.map_index} if ti_key.map_index >= 0 else {})
        return f"{base_path()}/sagemaker-mlops/page?{urlencode(asked)}"


def base_path() -> str:
    """The path under which Airflow's pages are served: "" or "/team/airflow"."""
    from urllib.parse import urlsplit

    from .airflow_versions import configuration

    url = str(configuration().get("api", "base_url", fallback="") or "")
    return urlsplit(url).path.rstrip("/")


LINKS: tuple[_StoredLink, ...] = (AwsConsoleLink(), CloudWatchLogsLink(), S3OutputLink())
