"""Rows of a file by column, as a reader of a format gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass
class Chunk:
    """Some rows.

    lines    their places in the file
    columns  texts, or for typed files of label and scores ``(numbers, mask of missing ones)``
    """

    lines: Sequence[int]
    columns: dict[str, Any]
