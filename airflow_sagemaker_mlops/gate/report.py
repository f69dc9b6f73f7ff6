"""The report of a gate: its verdict, its sentence, and the numbers of every rule."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

PROMOTE, REJECT, INCONCLUSIVE, SKIPPED = "promote", "reject", "inconclusive", "skipped"
VERDICTS = (PROMOTE, REJECT, INCONCLUSIVE)
EXIT_CODES = {PROMOTE: 0, REJECT: 3, INCONCLUSIVE: 4}
SCHEMA = "1.0"


@dataclass(frozen=True)
class RuleResult:
    """The result of one rule, or of one slice of a rule.

    metric      as named in the rule
    goal        ``maximize`` or ``minimize``
    slice       ``origin=JFK``; ``None`` for all records
    rule        position of the rule in its list, e.g. ``[2]``
    candidate   value of the candidate; ``None`` if the metric is undefined
    champion    value of the champion; ``None`` also without a champion
    difference  candidate - champion, whatever the goal
    interval    two-sided interval of the difference at ``level``; of the candidate's value without a champion
    level       of the interval: the confidence of the rule, raised by Holm's procedure if several rules are primary
    bound       one-sided bound of the difference at ``level``, on the side that decides
    margin      the difference that the bound must exceed
    p_value     one-sided, against ``margin``; below 1 - ``level`` if the rule is met
    records     number of records measured
    needed      estimated number of records that would decide; ``None`` if decided or if no number would
    verdict     ``promote`` (met), ``reject`` (violated), ``inconclusive``, or ``skipped``
    finding     the verdict in the metric's terms: better, worse, not worse, not decided, …
    method      name of the statistical method
    dry_run     whether the rule has no effect
    setting     what the values depend on besides the predictions, e.g. ``Threshold: 0.5``; ``None`` in older reports
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
    setting: str | None = None

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
            "setting": self.setting,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> RuleResult:
        """Read a result written by :meth:`to_json`."""
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
    """The verdict on a candidate.

    verdict      ``promote``, ``reject`` or ``inconclusive``
    sentence     one paragraph for people
    records      of the test set
    rules        one result for each rule, or for each slice of it
    fingerprint  of the test set: its ids and labels; equal in reports about the same records
    slices       values of each slice column
    no_champion  ``promote``, ``reject`` or ``approve`` if there was no champion, else ``None``
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
        """Exit code of the command line: 0 promote, 3 reject, 4 inconclusive."""
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
        """Read a report written by :meth:`to_json`; raises :class:`ValueError` for anything else."""
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


def verdict_of(verdicts: Iterable[str], no_champion: str | None) -> str:
    """The verdict of a gate whose rules that have an effect gave ``verdicts``."""
    effective = [verdict for verdict in verdicts if verdict != SKIPPED]
    if REJECT in effective:
        return REJECT
    if not effective or any(verdict != PROMOTE for verdict in effective):
        return INCONCLUSIVE
    if no_champion is None:
        return PROMOTE
    return no_champion if no_champion in (PROMOTE, REJECT) else INCONCLUSIVE


def contradiction_in(report: Mapping[str, object]) -> str:
    """Why a report that says promote contradicts itself; "" if its rules agree, and for any other verdict."""
    if report.get("verdict") != PROMOTE:
        return ""
    rules = report.get("rules")
    if not isinstance(rules, list) or not rules or not all(isinstance(rule, Mapping) for rule in rules):
        return f'says "{PROMOTE}" without the rules that were met'
    counted = [rule for rule in rules if rule.get("dry_run") is not True]
    against = [rule for rule in counted if rule.get("verdict") not in (PROMOTE, SKIPPED)]
    if against:
        rule = against[0]
        about = ", ".join(str(rule[key]) for key in ("metric", "slice") if rule.get(key))
        return f'says "{PROMOTE}", and its rule {rule.get("rule")} ({about}) says "{rule.get("verdict")}"'
    given = report.get("no_champion")
    if verdict_of((str(rule["verdict"]) for rule in counted), None if given is None else str(given)) != PROMOTE:
        why = f'no_champion "{given}"' if given else "no rule that has an effect"
        return f'says "{PROMOTE}" with {why}'
    return ""


def rounded(value: float | None) -> float | None:
    """``value`` with 12 significant digits; ``None`` for values that JSON cannot represent."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.12g}") + 0.0
