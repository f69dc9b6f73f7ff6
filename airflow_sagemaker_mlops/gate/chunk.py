"""Rows of a file by column, as the format readers return them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass
class Chunk:
    """A chunk of rows.

    lines    their positions in the file
    columns  strings, or for label and scores of typed files ``(numbers, mask of missing ones)``
    """

    lines: Sequence[int]
    columns: dict[str, Any]
