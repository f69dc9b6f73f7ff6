"""The tasks that a pipeline may have besides its steps and its status task.

The first renders parameters that are known only in a run, others decide before a step whether it runs, and one replaces
a pipeline that cannot be built.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Context

from ..airflow_versions import AirflowException, AirflowFailException, AirflowSkipException, XComNotFound
from ..runtime.infrastructure_retries import outlast_outages

if TYPE_CHECKING:
    from ..plan.model import ParameterPlan


_DATES = re.compile(r"\b(?:ds|ts|ds_nodash|ts_nodash\w*|logical_date|data_interval_(?:start|end))\b")
_NO_DATE = (
    "This run has no logical date, because an asset or a request without one triggered it. "
    "Use {{ dag_run.run_after | ds }}, which every run has, or trigger the run with a logical date."
)


class RenderedNone(ValueError):
    """An expression of a template is ``None``, which Jinja would write as the text "None"."""


class PipelineParametersOperator(BaseOperator):
    """Pushes {parameter: value} for the templates and results of other tasks in ``parameters=``.

    A value in the run's conf takes precedence, so such a parameter is not rendered.

    :param values: templates and results of other tasks, by parameter name
    :param declared: the parameters, as the definition declares them
    :param group: id of the pipeline's task group; empty for a DAG
    """

    template_fields = ("values",)

    def __init__(
        self, *, values: Mapping[str, object], declared: Mapping[str, ParameterPlan], group: str = "", **kwargs: Any
    ) -> None:
        outlast_outages(kwargs, kwargs)
        super().__init__(**kwargs)
        self.values = values
        self.declared = declared
        self.group = group
        self._problems: list[str] = []
        self._may_pass: Exception | None = None  # e.g. from a secrets backend

    def render_template_fields(self, context: Context, jinja_env: object = None) -> None:
        """Render each value separately, as text, because Airflow's own rendering does not say which value failed."""
        from ..runtime.parameter_values import value_of

        dag = self.get_dag()
        env: Any = dag.get_template_env(force_sandboxed=True) if dag is not None else jinja_env
        env = env.overlay(finalize=_not_none)
        rendered: dict[str, Any] = {}
        # Instances of a mapped task, and attempts under dag.test(), are copies that share these objects.
        self._problems, self._may_pass = [], None
        for name, value in self.values.items():
            given = value_of(name, self.group, context["params"])
            try:
                rendered[name] = self._rendered(value, context, env) if given is None else given
            except Exception as error:
                self._note(name, value, error, has_date=context.get("logical_date") is not None)
        self.values = rendered

    def _rendered(self, value: Any, context: Context, env: Any) -> Any:
        return env.from_string(value).render(context) if isinstance(value, str) else value.resolve(context)

    def _note(self, name: str, value: object, error: Exception, *, has_date: bool) -> None:
        from jinja2 import TemplateError, UndefinedError

        from ..runtime.retry_budget import is_refusal

        if isinstance(error, XComNotFound):  # the task has succeeded, so a retry would not find it either
            what = f'task "{error.task_id}" returned nothing under the key "{error.key}".'
            fix = "With multiple_outputs=True, a task stores each entry of the dict that it returns."
            self._problems.append(f'Parameter "{name}": {what} {fix}')
            return
        if not isinstance(error, (TemplateError, RenderedNone)) and not is_refusal(error):
            self._may_pass = error
        what = f'"{value}" cannot be rendered' if isinstance(value, str) else "the task's result is not available"
        self._problems.append(f'Parameter "{name}": {what}: {str(error).rstrip(".") or type(error).__name__}.')
        if not has_date and isinstance(error, (UndefinedError, RenderedNone)) and _DATES.search(str(value)):
            self._problems.append(_NO_DATE)

    def execute(self, context: Context) -> dict[str, Any]:
        """Convert the values to the types of their parameters.  Fails with a sentence for each that does not fit."""
        from ..runtime.retry_budget import errors_counted

        with errors_counted(self, context):
            return self._typed_values(context)

    def _typed_values(self, context: Context) -> dict[str, Any]:
        from ..definition.problems import PipelineError
        from ..runtime.selective.step import refuse_misspelt
        from ..runtime.task_states import refusal
        from ..task_log import refused

        try:
            refuse_misspelt(context)
        except PipelineError as error:
            raise refused(AirflowFailException, str(error)) from None
        found: dict[str, Any] = {}
        for name, value in self.values.items():
            try:
                found[name] = self._typed(name, value)
            except ValueError as error:
                self._problems.append(str(error))
        if self._problems:
            words = " ".join(text[:1].upper() + text[1:] for text in self._problems)
            context["ti"].xcom_push(key="return_value", value=refusal(words))
            if self._may_pass is not None:
                raise AirflowException(words) from self._may_pass
            raise refused(AirflowFailException, words)
        return found

    def _typed(self, name: str, value: object) -> Any:
        from ..definition.values import given_value

        if value is None:
            raise ValueError(f'parameter "{name}" is the result of a task that returned nothing.')
        return given_value(value, self.declared[name].type, self.declared[name].enum, name)


def _not_none(value: object) -> object:
    """``value``, as Jinja's ``finalize`` for every expression of a template."""
    if value is None:
        raise RenderedNone("an expression in it is None")
    return value


class RunConditionOperator(BaseOperator):
    """The task before a step that runs on another step's failure, stop or any end.

    It skips itself, and thus the step after it, unless every upstream step ended as its trigger requires.

    :param triggers: {upstream task id: "Completed", "Failed", "Stopped" or "Any"}
    """

    def __init__(self, *, triggers: Mapping[str, str], **kwargs: Any) -> None:
        kwargs.setdefault("trigger_rule", "all_done")
        outlast_outages(kwargs, kwargs)
        super().__init__(**kwargs)
        self.triggers = dict(triggers)

    def execute(self, context: Context) -> dict[str, str]:
        """Return how every upstream step ended."""
        from ..plan.run_rules import unmet
        from ..runtime.retry_budget import errors_counted
        from ..runtime.task_states import ends_of

        with errors_counted(self, context):
            ends = ends_of(context["ti"], list(self.triggers))
        missing = unmet(self.triggers, ends)
        for task_id, trigger in self.triggers.items():
            self.log.info("%s: expected %s, is %s", task_id, trigger, ends[task_id])
        if missing:
            wanted = "; ".join(f"{name} ended {end}, not {self.triggers[name]}" for name, end in missing.items())
            raise AirflowSkipException(f"the step does not run: {wanted}")
        return ends


class InvalidPipelineOperator(BaseOperator):
    """Replaces a pipeline whose definition or options are unusable: fails with the report, without a retry.

    :param report: every problem, as ``sagemaker-mlops check`` prints them
    """

    ui_color = "#f2dede"

    def __init__(self, *, report: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.report = report

    def execute(self, context: Context) -> None:
        """Fail the run."""
        from ..task_log import refused

        del context
        raise refused(AirflowFailException, self.report)
