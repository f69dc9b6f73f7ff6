"""Pipeline values for other operators: expressions that are resolved when the task that uses them starts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.definitions._internal.mixins import ResolveMixin

from ..definition.expressions import MARKS, parse_value
from .step_task import StepTask

if TYPE_CHECKING:
    from airflow.sdk import Context


class PipelineValue(ResolveMixin):
    """The value of an expression, for a templated argument of any operator.

    expression   as in a definition, e.g. ``{"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}``
    step         what is needed to resolve it: parameters, property files, and locations of results
    sources      the tasks that it reads from, which become upstream of the task that uses it
    """

    def __init__(self, expression: object, step: StepTask, sources: Sequence[Any] = ()) -> None:
        self.expression = expression
        self.step = step
        self.sources = tuple(sources)

    def serialize(self) -> str:
        """The text that Airflow shows for it before the argument is rendered."""
        return json.dumps(self.expression, sort_keys=True, ensure_ascii=False)

    def __repr__(self) -> str:
        return f"<value of {self._name}, known when the task that uses it starts>"

    def __str__(self) -> str:
        raise TypeError(
            f"The value of {self._name} cannot be put into a string: it is known only in a run, and a task with the "
            "string would not wait for the step. Pass the value itself to a templated argument, for example "
            'BashOperator(bash_command="echo $VALUE", env={"VALUE": group.property_of(...)}, append_env=True).'
        )

    def __format__(self, _spec: str) -> str:
        return str(self)

    def __add__(self, _other: object) -> str:
        return str(self)

    __radd__ = __add__

    @property
    def _name(self) -> str:
        reference = self.expression.get("Get") if isinstance(self.expression, Mapping) else None
        return str(reference) if isinstance(reference, str) else "an expression"

    def iter_references(self) -> Iterable[tuple[Any, str]]:
        """The tasks whose results it uses."""
        return ((operator, "return_value") for operator in self.sources)

    def resolve(self, context: Context) -> Any:
        """The value in this run; ``None`` for a step that is not selected.  Raises ``StepFailed`` if there is none.

        Outside the mapped task group of the step, the list of the values of all instances.
        """
        from ..execution.scope import resolve
        from ..hooks.aws import aws_for
        from .context import identity_of, scope_of, step_result
        from .parameter_values import group_of, needed_by, rendered_here
        from .selective.step import step_selection
        from .task_states import is_spread, sibling_results

        ti = context["ti"]
        selection = step_selection(context, self.step)
        if selection is not None and selection.role != "selected":
            return None  # the task that uses it does not run
        group = group_of(self.step, ti.task_id)
        needs = self.step.spec.parameters
        rendered = rendered_here(ti, group) if needs else {}
        given = needed_by(self.step, group, context["params"], rendered)
        given = given if selection is None else {**given, **selection.inherited}
        aws = aws_for(self.step.connection)
        identity = identity_of(self.step, ti, context["dag_run"], "")
        expression, values = parse_value(self.expression), []
        for pushed in sibling_results(ti, list(self.step.reads.values())):
            results = dict(zip(self.step.reads, map(step_result, pushed), strict=True))
            values.append(resolve(expression, scope_of(self.step, identity, aws, given, results)))
        return values if is_spread(ti, self.step.reads.values()) else values[0]


def with_values(value: object, step: StepTask) -> Any:
    """``value`` of a document with every expression replaced with a :class:`PipelineValue`."""
    if isinstance(value, Mapping):
        if len(value) == 1 and next(iter(value)) in MARKS:
            return PipelineValue(value, step)
        return {key: with_values(item, step) for key, item in value.items()}
    if isinstance(value, list):
        return [with_values(item, step) for item in value]
    return value


def holds_value(value: object) -> bool:
    """Whether ``value`` contains a :class:`PipelineValue`."""
    if isinstance(value, Mapping):
        return any(holds_value(item) for item in value.values())
    if isinstance(value, list):
        return any(holds_value(item) for item in value)
    return isinstance(value, PipelineValue)
