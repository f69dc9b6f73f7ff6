"""A step that is any Airflow operator: ``Type: x-airflow`` with ``Operator`` and ``Arguments``."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .. import settings
from ..airflow_versions import AirflowFailException, AirflowSkipException
from ..definition.problems import InvalidPipeline, PipelineError, Problem
from ..runtime.pipeline_value import holds_value, with_values
from ..runtime.task_states import PASSED_OVER
from ..settings_table import SECTION

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

    from ..runtime.step_task import StepTask


def foreign_operator(step: StepTask, arguments: Mapping[str, object]) -> BaseOperator:
    """The operator that ``step`` names.  ``arguments`` are Airflow's own: task id, DAG and the user's options.

    Expressions are allowed in the arguments that the operator templates; its own Jinja templates are rendered as usual.
    Raises :class:`InvalidPipeline` (SM404) if it cannot be created, and (SM229) if it is not allowed.
    """
    path, name = step.spec.operator, str(arguments["task_id"])
    allowed = settings.allowed_operators()
    if allowed and not any(fnmatchcase(path, pattern) for pattern in allowed):  # its module is not imported
        what = f"{path} is not among the operators that this Airflow allows in definitions."
        raise _refused(name, what, f"[{SECTION}] allowed_operators is: {', '.join(allowed)}.", "SM229")
    operator = _operator_at(path, name)
    attribute = operator.__name__
    own = with_values(dict(step.spec.arguments), step)
    templated = tuple(getattr(operator, "template_fields", ()))
    for key, value in own.items():
        if holds_value(value) and key not in templated:
            fix = f"Expressions are allowed in: {', '.join(templated) or 'none of its arguments'}."
            raise _refused(name, f'"{key}" of {attribute} is not templated, so it cannot contain an expression.', fix)
    try:
        made = _as_step(operator)(**own, **arguments)
    except TypeError as error:
        raise _refused(name, f"{attribute} does not accept these arguments: {error}.") from None
    made.__dict__["pipeline_step"] = step  # bypasses Airflow's __setattr__
    return made  # type: ignore[no-any-return]


def _operator_at(path: str, step: str) -> type[BaseOperator]:
    from airflow.sdk import BaseOperator

    module, _, attribute = path.rpartition(".")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise _refused(step, f"{path} cannot be imported: {error}.") from None
    if not (isinstance(found, type) and issubclass(found, BaseOperator)):
        kind = "class" if isinstance(found, type) else type(found).__name__
        what = f"{path} is a {kind}, not an Airflow operator."
        raise _refused(step, what, "Write the dotted path of an operator class.")
    return found


class _AsStep:
    """Makes another package's operator a step: takes part in selective runs, and records its own skips and people's
    answers.
    """

    pipeline_step: StepTask

    def execute(self, context: Context) -> Any:
        """Run the operator if it is selected; if it is reused, return its earlier output, if it was recorded."""
        with _marking_skips(context):
            return self._execute_selected(context)

    def resume_execution(self, next_method: str, next_kwargs: Mapping[str, object] | None, context: Context) -> Any:
        """Resume after the triggerer."""
        from ..runtime.approvals import answer_in
        from ..xcom_keys import ANSWER_KEY

        if answer := answer_in((next_kwargs or {}).get("event")):
            context["ti"].xcom_push(key=ANSWER_KEY, value=answer)
        with _marking_skips(context):
            return super().resume_execution(next_method, next_kwargs, context)  # type: ignore[misc]

    def _execute_selected(self, context: Context) -> Any:
        from ..runtime.selective.step import step_selection
        from ..task_log import refused

        try:
            selection = step_selection(context, self.pipeline_step)
        except PipelineError as error:
            raise refused(AirflowFailException, str(error)) from None
        if selection is None or selection.role == "selected":
            return super().execute(context)  # type: ignore[misc]
        if selection.role == "not selected":
            raise AirflowSkipException("the step is not selected in this run")
        return (selection.earlier_result.get("Properties") or {}).get("Output")


@contextmanager
def _marking_skips(context: Context) -> Iterator[None]:
    """Record when the operator raises ``AirflowSkipException``, because marking a run failed skips tasks as well.

    Without this record, the status task would take the step for one that was skipped when the run ended.
    """
    try:
        yield
    except AirflowSkipException:
        context["ti"].xcom_push(key="return_value", value=dict(PASSED_OVER))
        raise


@functools.cache
def _as_step(operator: type) -> type:
    """A subclass of ``operator`` with :class:`_AsStep` first, which has the same name and module for Airflow."""
    place = {"__module__": operator.__module__, "__qualname__": operator.__qualname__, "__doc__": operator.__doc__}
    return type(operator)(operator.__name__, (_AsStep, operator), place)


def _refused(step: str, what: str, fix: str = "", code: str = "SM404") -> InvalidPipeline:
    return InvalidPipeline("the definition", [Problem(code, f'step "{step}"', what, fix)])
