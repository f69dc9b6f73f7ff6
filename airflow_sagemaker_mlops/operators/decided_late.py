"""Operator attributes that are decided when they are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class DecidedLate:
    """An operator attribute that is computed whenever it is read, e.g. when Airflow serializes the DAG.

    Cluster policies and assignments in the DAG file change operators after their creation.  On the class itself, where
    Airflow looks for mapped operators, the value is ``otherwise``.
    """

    def __init__(self, decide: Callable[[Any], Any], otherwise: object) -> None:
        self._decide = decide
        self._otherwise = otherwise

    def __get__(self, operator: object, owner: type) -> Any:
        return self._otherwise if operator is None else self._decide(operator)
