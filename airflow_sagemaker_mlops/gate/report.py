"""The report of a gate: its verdict, the sentence, and the numbers of every rule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PROMOTE, REJECT, INCONCLUSIVE, SKIPPED = "promote", "reject", "inconclusive", "skipped"
VERDICTS = (PROMOTE, REJECT, INCONCLUSIVE)
EXIT_CODES = {PROMOTE: 0, REJECT: 3, INCONCLUSIVE: 4}
SCHEMA = "1.0"


@dataclass(frozen=True)
class RuleResult:
    """How a candidate stands with one rule, or with one slice of it.

    metric      as the rule names it
    goal        ``maximize`` or ``minimize``
    slice       ``origin=JFK``; ``None`` for all records
    rule        place of the rule in its list, e.g. ``[2]``
    candidate   value of the candidate; ``None`` where the metric is undefined
    champion    value of the champion; ``None`` without a champion too
    difference  candidate - champion, whatever the goal
    interval    two-sided interval of the difference at ``level``; of the candidate's value without a champion
    level       of the interval: the confidence of the rule, raised by Holm's procedure where several rules are primary
    bound       one-sided bound of the difference at ``level``, on the side that decides
    margin      the difference that decides: the bound has to be beyond it
    p_value     one-sided, against ``margin``; below 1 - ``level`` where the rule is fulfilled
    records     that the numbers are of
    needed      records that would decide, estimated; ``None`` where it is decided or no number would
    verdict     ``promote`` (fulfilled), ``reject`` (violated), ``inconclusive``, or ``skipped``
    finding     the same in the metric's words: better, worse, not worse, not decided, …
    method      name of the statistical method
    dry_run     whether the rule has no effect
    """

    metric: str
    slice: str | None
    rule: str
    candidate: float | None
    champion: float | None
    difference: float | None
    interval: tuple[float, float] | None
    level: float | None
    bound: float | None
    margin: float | None
    p_value: float | None
    records: int
    needed: int | None
    verdict: str
    finding: str
    sentence: str
    method: str = ""
    dry_run: bool = False
    alarm: bool = False
    goal: str = "maximize"

    def to_json(self) -> dict[str, Any]:
        """As JSON; numbers have 12 significant digits, so that equal verdicts are equal texts."""
        return {
            "metric": self.metric,
            "slice": self.slice,
            "candidate": rounded(self.candidate),
            "champion": rounded(self.champion),
            "difference": rounded(self.difference),
            "interval": None if self.interval is None else [rounded(end) for end in self.interval],
            "verdict": self.verdict,
            "finding": self.finding,
            "sentence": self.sentence,
            "records": self.records,
            "level": rounded(self.level),
            "bound": rounded(self.bound),
            "margin": rounded(self.margin),
            "p_value": rounded(self.p_value),
            "needed": self.needed,
            "method": self.method,
            "rule": self.rule,
            "dry_run": self.dry_run,
            "alarm": self.alarm,
            "goal": self.goal,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> RuleResult:
        """The result that :meth:`to_json` wrote."""
        known: dict[str, Any] = {name: value.get(name) for name in cls.__dataclass_fields__}
        interval = known["interval"]
        known["interval"] = (interval[0], interval[1]) if interval else None
        for name in ("dry_run", "alarm"):
            known[name] = bool(known[name])
        for name in ("rule", "verdict", "finding", "sentence", "method", "metric"):
            known[name] = str(known[name] or "")
        known["goal"] = "minimize" if known["goal"] == "minimize" else "maximize"
        known["records"] = int(known["records"] or 0)
        return cls(**known)


@dataclass(frozen=True)
class GateReport:
    """The verdict about a candidate.

    verdict      ``promote``, ``reject`` or ``inconclusive``
    sentence     one paragraph for people
    records      of the test set
    rules        one result for each rule, or for each slice of it
    fingerprint  of the test set: its ids and labels; two reports with the same one are about the same records
    slices       values of each slice column
    no_champion  ``promote``, ``reject`` or ``approve`` where there was no champion, else ``None``
    """

    verdict: str
    sentence: str
    records: int
    rules: tuple[RuleResult, ...]
    fingerprint: str = ""
    slices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    no_champion: str | None = None

    @property
    def exit_code(self) -> int:
        """Of the command line: 0 promote, 3 reject, 4 inconclusive."""
        return EXIT_CODES[self.verdict]

    def to_json(self) -> dict[str, Any]:
        """As JSON, which :meth:`from_json` reads."""
        return {
            "verdict": self.verdict,
            "sentence": self.sentence,
            "records": self.records,
            "rules": [rule.to_json() for rule in self.rules],
            "fingerprint": self.fingerprint,
            "slices": {column: list(values) for column, values in self.slices.items()},
            "no_champion": self.no_champion,
            "schema": SCHEMA,
        }

    @classmethod
    def from_json(cls, value: Any) -> GateReport:
        """The report that :meth:`to_json` wrote; raises :class:`ValueError` for anything else."""
        try:
            if value["verdict"] not in VERDICTS:
                raise ValueError(value["verdict"])
            return cls(
                verdict=value["verdict"],
                sentence=str(value["sentence"]),
                records=int(value["records"]),
                rules=tuple(RuleResult.from_json(rule) for rule in value["rules"]),
                fingerprint=str(value.get("fingerprint") or ""),
                slices={str(name): tuple(map(str, values)) for name, values in (value.get("slices") or {}).items()},
                no_champion=value.get("no_champion"),
            )
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise ValueError("this is not the report of a gate: its verdict or its rules are missing.") from error


def rounded(value: float | None) -> float | None:
    """``value`` with 12 significant digits; ``None`` for what JSON has no number for."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.12g}") + 0.0
