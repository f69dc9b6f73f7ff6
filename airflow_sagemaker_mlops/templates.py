"""Which values of a DAG file are Airflow templates, and what is wrong with one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MARKS = ("{{", "{%", "{#")


def is_template(value: Any) -> bool:
    """Whether ``value`` is text that Airflow would render to something else."""
    return isinstance(value, str) and any(mark in value for mark in _MARKS)


def template_error(text: str) -> str:
    """Why ``text`` cannot be rendered, whatever the run; empty when it can be read.  Names are looked up in the run."""
    from jinja2 import TemplateError
    from jinja2.sandbox import SandboxedEnvironment

    try:
        SandboxedEnvironment(extensions=["jinja2.ext.do"]).parse(text)
    except TemplateError as error:
        words = (error.message or str(error)).rstrip(".")
        return "" if words.startswith("Encountered unknown tag") else words  # the DAG may bring extensions
    return ""


def as_data(value: Any) -> Any:
    """What ``literal(...)`` of airflow.sdk stands around; any other value as it is."""
    return getattr(value, "value", value) if type(value).__name__ == "LiteralValue" else value


def is_result(value: Any) -> bool:
    """Whether Airflow resolves ``value`` in a run: the result of a task, what a group is mapped over."""
    from airflow.sdk.definitions._internal.mixins import ResolveMixin

    return isinstance(value, ResolveMixin) and as_data(value) is value


def is_known_at_run(value: Any) -> bool:
    """Whether there is a template, or the result of a task, in ``value``, at any depth."""
    if isinstance(value, Mapping):
        return any(is_known_at_run(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(is_known_at_run(item) for item in value)
    return is_template(value) or is_result(value)


def known_now(value: Any) -> Any:
    """``value`` with nothing in place of the results of tasks: what can be told of it before any run."""
    if isinstance(value, Mapping):
        return {key: known_now(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [known_now(item) for item in value]
    return None if is_result(value) else as_data(value)


def without_literals(value: Any) -> Any:
    """``value`` with data in place of every ``literal(...)`` in it."""
    if isinstance(value, Mapping):
        return {key: without_literals(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_literals(item) for item in value]
    return as_data(value)
