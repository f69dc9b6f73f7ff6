"""The task that replaces a pipeline whose definition or options are unusable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from ..airflow_versions import AirflowFailException

if TYPE_CHECKING:
    from airflow.sdk import Context


class InvalidPipelineOperator(BaseOperator):
    """Fails with the report, without a retry.

    :param report: every problem, as ``sagemaker-mlops check`` prints them
    """

    ui_color = "#f2dede"

    def __init__(self, *, report: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.report = report

    def execute(self, context: Context) -> None:
        """Fail the run."""
        del context
        raise AirflowFailException(self.report)
