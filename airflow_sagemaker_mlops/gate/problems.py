"""Errors of a gate: unusable rules, and predictions that cannot be judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class RuleProblem:
    """One problem of a list of rules.

    place   position in the list, e.g. ``[2].By``; empty for the list itself
    what    a full sentence that quotes the user's words
    fix     what to write instead, or empty
    """

    place: str
    what: str
    fix: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.place and f"{self.place}:", self.what, self.fix) if part)


class InvalidRules(ValueError):
    """Rules that cannot be used; ``problems`` has every problem and is never empty."""

    def __init__(self, problems: Sequence[RuleProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class BadPredictions(ValueError):
    """Predictions that cannot be judged; ``sentences`` has every reason and is never empty."""

    def __init__(self, sentences: Iterable[str]) -> None:
        self.sentences = tuple(sentences)
        super().__init__("\n".join(self.sentences))


def first_few(names: Iterable[object], count: int, limit: int = 5) -> str:
    """``a, b, c and 12 more``: the first of ``count`` names."""
    shown = [str(name) for name, _ in zip(names, range(limit))]
    more = count - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")


def listed(names: Iterable[object]) -> str:
    """``a, b or c``."""
    words = [str(name) for name in names]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + f" or {words[-1]}"


def alike(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The entry of ``known`` that ``word`` probably means; "" if none is close."""
    import difflib  # imported only when there is a problem

    names = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word[:256].lower(), sorted(names), n=1, cutoff=cutoff)
    return names[near[0]] if near else ""
