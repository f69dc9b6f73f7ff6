"""x-airflow: a step that is an Airflow operator, in a run without Airflow."""

from __future__ import annotations

from ..exceptions import StepFailed
from ..step_run import StepResult, StepRun
from .base import Runner


class AirflowOperatorRunner(Runner):
    """Refuses to run, because an Airflow operator needs Airflow."""

    has_default_stub = True

    async def run(self, run: StepRun) -> StepResult:
        """Say so."""
        operator = run.spec.operator
        way_out = f"declare a stub: {{{run.identity.step}: {{Properties: {{Output: ...}}}}}}"
        raise StepFailed(
            f'Step "{run.identity.step}" is the Airflow operator {operator} and runs under Airflow only; {way_out}.'
        )
