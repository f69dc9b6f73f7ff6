"""The secrets of a run, found by the names of its parameters; they are removed from all stored data."""

from __future__ import annotations

from collections.abc import Mapping

from ...execution.secret_masking import secrets_in
from ...plan.model import Plan
from .canonical_json import plain


def secrets_of_parameters(values: Mapping[str, object]) -> frozenset[str]:
    """The secrets in parameter values, {name: value}, except those too short to search for in text."""
    return frozenset(secrets_in(plain(dict(values))))


def secrets_of_run(plan: Plan, given: Mapping[str, object]) -> frozenset[str]:
    """The secrets of a whole run: in the ``given`` values and in the defaults of the other parameters."""
    return secrets_of_parameters({p.name: given.get(p.name, p.default) for p in plan.parameters})
