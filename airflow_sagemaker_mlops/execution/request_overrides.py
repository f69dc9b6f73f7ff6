"""Replaces inputs in a reproduction's requests: with copies of recorded versions, and images by digest.

Applied to resolved arguments, because URIs are computed.  Only members that the API defines as inputs are considered:
what a container does with its own arguments and variables is unknown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..steps.s3_members import CODE_KEYS, IMAGE_KEYS, MODEL_KEYS, S3_SOURCES, unquoted


@dataclass(frozen=True, slots=True)
class RequestOverrides:
    """``uris`` are S3 URIs and ``images`` image URIs, as in requests, mapped to their replacements."""

    uris: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)

    def applied(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """``arguments`` with the replacements of pinned inputs."""
        if not self.uris and not self.images:
            return arguments
        return {key: self._value(value, key, "") for key, value in arguments.items()}

    def _value(self, value: object, key: str, parent: str) -> Any:
        match value:
            case str():
                return self._text(value, key, parent)
            case Mapping():
                return {name: self._value(item, name, key) for name, item in value.items()}
            case list():
                return [self._value(item, key, parent) for item in value]
            case _:
                return value

    def _text(self, text: str, key: str, parent: str) -> str:
        if key in IMAGE_KEYS:
            return self.images.get(text, text)
        if key in MODEL_KEYS or (key == "S3Uri" and parent in S3_SOURCES):
            return self.uris.get(text, text)
        if key in CODE_KEYS and (bare := unquoted(text)) in self.uris:
            return self.uris[bare] if bare == text else json.dumps(self.uris[bare])
        return text


NO_OVERRIDES = RequestOverrides()
