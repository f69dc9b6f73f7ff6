"""The JSON Schema of definitions, for editors: generated from the tables of the language and of the step types.

:mod:`.document` makes it; ``definition.schema.json`` is what it made, and a test compares the two.
The schema never refuses what ``check`` accepts: where a key may hold more than a schema can say, it says less.
"""

from __future__ import annotations

from pathlib import Path

FILE = Path(__file__).with_name("definition.schema.json")


def schema_text() -> str:
    """The schema as JSON; reads no model of an API."""
    return FILE.read_text(encoding="utf-8")
