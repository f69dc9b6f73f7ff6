"""Recognizes and checks Airflow templates in a DAG file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MARKS = ("{{", "{%", "{#")


def is_template(value: object) -> bool:
    """Whether ``value`` is text that Airflow would render to something else."""
    return isinstance(value, str) and any(mark in value for mark in _MARKS)


def template_error(text: str) -> str:
    """Why ``text`` can never be rendered; empty if it can be parsed.  Names are only looked up in a run."""
    from jinja2 import TemplateError
    from jinja2.sandbox import SandboxedEnvironment

    try:
        SandboxedEnvironment(extensions=["jinja2.ext.do"]).parse(text)
    except TemplateError as error:
        words = (error.message or str(error)).rstrip(".")
        return "" if words.startswith("Encountered unknown tag") else words  # the DAG may have Jinja extensions
    return ""


def as_data(value: object) -> Any:
    """The content of ``literal(...)`` from airflow.sdk; any other value unchanged."""
    return getattr(value, "value", value) if type(value).__name__ == "LiteralValue" else value


def is_result(value: object) -> bool:
    """Whether Airflow resolves ``value`` in a run: the result of a task, or the value that a group is mapped over."""
    from airflow.sdk.definitions._internal.mixins import ResolveMixin

    return isinstance(value, ResolveMixin) and as_data(value) is value


def is_known_at_run(value: object) -> bool:
    """Whether ``value`` contains a template or the result of a task, at any depth."""
    if isinstance(value, Mapping):
        return any(is_known_at_run(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(is_known_at_run(item) for item in value)
    return is_template(value) or is_result(value)


def known_now(value: object) -> Any:
    """``value`` with ``None`` in place of results of tasks: the part that is known before a run."""
    if isinstance(value, Mapping):
        return {key: known_now(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [known_now(item) for item in value]
    return None if is_result(value) else as_data(value)


def without_literals(value: object) -> Any:
    """``value`` with every ``literal(...)`` replaced with its content."""
    if isinstance(value, Mapping):
        return {key: without_literals(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_literals(item) for item in value]
    return as_data(value)
