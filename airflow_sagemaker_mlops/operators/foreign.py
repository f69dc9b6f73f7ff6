"""A step that is any Airflow operator: ``Type: x-airflow`` with ``Operator`` and ``Arguments``."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..document.problems import InvalidPipeline, Problem
from .values import holds_value, with_values

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

    from .task import StepTask


def foreign_operator(step: StepTask, arguments: Mapping[str, Any]) -> BaseOperator:
    """The operator that ``step`` names.  ``arguments`` are Airflow's own: task id, DAG and options of the user.

    Expressions may stand in the arguments that the operator templates; its own Jinja templates are rendered as
    everywhere.  Raises :class:`InvalidPipeline` (SM404) when it cannot be made.
    """
    path, name = str(step.spec["Operator"]), str(arguments["task_id"])
    module, _, attribute = path.rpartition(".")
    try:
        operator = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise _refused(name, f"{path} cannot be imported: {error}.") from None
    own = with_values(dict(step.spec.get("Arguments") or {}), step)
    templated = tuple(getattr(operator, "template_fields", ()))
    for key, value in own.items():
        if holds_value(value) and key not in templated:
            fix = f"Expressions can stand in: {', '.join(templated) or 'none of its arguments'}."
            raise _refused(name, f'"{key}" of {attribute} is not templated, so it cannot hold an expression.', fix)
    try:
        return operator(**own, **arguments)  # type: ignore[no-any-return]
    except TypeError as error:
        raise _refused(name, f"{attribute} does not take these arguments: {error}.") from None


def _refused(step: str, what: str, fix: str = "") -> InvalidPipeline:
    return InvalidPipeline("the definition", [Problem("SM404", f'step "{step}"', what, fix)])
