"""The parameters of a run beside those of the previous run and of the champion's."""

from __future__ import annotations

from collections.abc import Mapping

from ..execution.secret_masking import MASK
from ..json_types import JsonObject
from ..records.model.canonical_json import read_exact
from .reading import as_text, mapping, text
from .shapes import Earlier, ParameterView


def parameters_in(record: JsonObject, previous: JsonObject | None, champion: JsonObject | None) -> list[ParameterView]:
    """The parameters by name, with their values in the other runs; masked values cannot be compared."""
    now, was, of_champion = (_values(one) for one in (record, previous, champion))
    found: list[ParameterView] = []
    for name, given in mapping(record.get("externalParameters")).items():
        value = now.get(name, "")
        before = _earlier(value, was.get(name))
        found.append(
            {
                "name": text(name),
                "value": value,
                "source": text(mapping(given).get("source")),
                "masked": value == MASK,
                "changed": before is not None and before["changed"],
                "previous": before,
                "champion": _earlier(value, of_champion.get(name)),
            }
        )
    return found


def _values(record: JsonObject | None) -> Mapping[str, str]:
    return {name: _value(mapping(given)) for name, given in mapping(mapping(record).get("externalParameters")).items()}


def _value(given: JsonObject) -> str:
    try:
        return as_text(read_exact(given, "value"))
    except (ValueError, RecursionError):  # in a manually edited record
        return as_text(given.get("value"))


def _earlier(value: str, before: str | None) -> Earlier | None:
    return None if before is None else {"value": before, "changed": before != value and MASK not in (before, value)}
