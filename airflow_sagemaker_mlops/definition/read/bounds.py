"""Limits of a document's bytes, values and depth, enforced before it is parsed completely."""

from __future__ import annotations

from ..problems import Problem

MOST_BYTES = 8_000_000  # the service accepts 1 MiB; YAML with comments may be longer
MOST_VALUES = 500_000  # after aliases are followed; a definition of 1 MB has about 60,000
MOST_DEPTH = 200  # lists and objects within each other; Conditions nested 60 deep take 190


def too_large(what: str = "the definition") -> Problem:
    """SM105 for a text with too many bytes."""
    return Problem("SM105", "$", f"{what} is larger than {MOST_BYTES} bytes.")


def too_deep(line: int | None = None, column: int | None = None, where: str = "$") -> Problem:
    """SM105 for lists and objects that are nested too deeply."""
    what = f"lists and objects are nested more than {MOST_DEPTH} deep here; the document is nested too deeply."
    return Problem("SM105", where, what, line=line, column=column)


def too_many(line: int | None = None, column: int | None = None, where: str = "$") -> Problem:
    """SM105 for a document that is too large once its aliases are expanded."""
    what = (
        f"the document has more than {MOST_VALUES} values, or {MOST_BYTES} characters, once its aliases and merge keys "
        "are expanded up to here."
    )
    return Problem("SM105", where, what, line=line, column=column)
