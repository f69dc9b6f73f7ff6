"""``DataProcessing`` of a transform job: selects input columns, joins input and answer, selects output columns.

Supports the simple JSONPath forms of the developer guide: ``$``, ``$[1:]``, ``$[0]``, ``$[0,2]``, ``$[-1]`` for CSV;
``$.a`` and ``$['a','b']`` for JSON lines.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal


class FilterError(ValueError):
    """A filter that is not supported or does not match the data."""


@dataclass(frozen=True, slots=True)
class DataProcessing:
    """The three settings of ``DataProcessing``, for one content type."""

    input_filter: str
    output_filter: str
    join: bool
    form: Literal["csv", "json"]

    @classmethod
    def of(cls, settings: dict[str, Any], content_type: str) -> DataProcessing:
        """Create a filter from ``DataProcessing``.  Raises :class:`FilterError`."""
        created = cls(
            settings.get("InputFilter") or "$",
            settings.get("OutputFilter") or "$",
            settings.get("JoinSource") == "Input",
            "csv" if "csv" in content_type else "json",
        )
        if created != cls("$", "$", False, created.form) and not re.search("csv|json", content_type):
            raise FilterError(f"DataProcessing is not available for the content type {content_type!r}")
        for text in (created.input_filter, created.output_filter):
            _parse(text)
        return created

    def before(self, payload: bytes) -> bytes:
        """The part of the payload that the model receives."""
        if self.input_filter == "$":
            return payload
        return self._text([_choose(row, self.input_filter) for row in self._rows(payload)])

    def after(self, payload: bytes, answer: bytes) -> bytes:
        """The output for a payload and the model's answer."""
        if not self.join and self.output_filter == "$":
            return answer
        rows = self._rows(answer)
        if self.join:
            rows = [self._joined(a, b) for a, b in zip(self._rows(payload), rows, strict=True)]
        return self._text([_choose(row, self.output_filter) for row in rows])

    def _joined(self, given: Any, answer: Any) -> Any:
        if self.form == "csv":
            return [*given, *answer]
        if isinstance(given, dict):
            return {**given, "SageMakerOutput": answer}
        return {"SageMakerInput": given, "SageMakerOutput": answer}

    def _rows(self, content: bytes) -> list[Any]:
        lines = [line for line in content.decode().splitlines() if line.strip()]
        return [line.split(",") if self.form == "csv" else json.loads(line) for line in lines]

    def _text(self, rows: list[Any]) -> bytes:
        if self.form == "csv":
            return "\n".join(",".join(map(str, row if isinstance(row, list) else [row])) for row in rows).encode()
        return "\n".join(json.dumps(row) for row in rows).encode()


def _parse(path: str) -> list[Any]:
    """The selectors of a path: names, indices, slices, or lists of them."""
    if path == "$":
        return []
    selectors: list[Any] = []
    rest = path[1:]
    while rest:
        match = re.match(r"\.(\w+)|\[([^\]]*)\]", rest)
        if path[0] != "$" or match is None:
            raise FilterError(f"{path!r} is not available as a filter in the embedded AWS")
        selectors.append(match[1] if match[1] else _bracket(match[2], path))
        rest = rest[match.end() :]
    return selectors


def _bracket(text: str, path: str) -> Any:
    if re.fullmatch(r"-?\d*:-?\d*", text):
        first, _, last = text.partition(":")
        return slice(int(first) if first else None, int(last) if last else None)
    words = [word.strip() for word in text.split(",")]
    if all(re.fullmatch(r"-?\d+", word) for word in words):
        numbers = [int(word) for word in words]
        return numbers[0] if len(numbers) == 1 else numbers
    if all(re.fullmatch(r"'[^']*'", word) for word in words):
        names = [word.strip("'") for word in words]
        return names[0] if len(names) == 1 else names
    raise FilterError(f"{path!r} is not available as a filter in the embedded AWS")


def _choose(row: Any, path: str) -> Any:
    value = row
    for selector in _parse(path):
        try:
            if isinstance(selector, list):
                value = {n: value[n] for n in selector} if isinstance(value, dict) else [value[n] for n in selector]
            else:
                value = value[selector]
        except (KeyError, IndexError, TypeError):
            raise FilterError(f"{path!r} selects nothing in {str(row)[:80]}") from None
    return value
