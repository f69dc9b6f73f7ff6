"""The report of a drift check: its verdict, its sentence, and a finding for each rule and column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..gate.report import rounded

STABLE, DRIFT, INCONCLUSIVE = "stable", "drift", "inconclusive"
VERDICTS = (STABLE, DRIFT, INCONCLUSIVE)
EXIT_CODES = {STABLE: 0, DRIFT: 3, INCONCLUSIVE: 4}
SCHEMA = "1.0"


@dataclass(frozen=True)
class Finding:
    """The result of one rule for one column or for the table.

    check     of the rule
    column    empty for a rule on the table
    value     the value compared with ``limit``; ``None`` if there is none
    noise     the level that unchanged data exceeds one time in twenty; ``None`` if chance plays no role
    verdict   ``stable``, ``drift`` or ``inconclusive``
    baseline  shares of the baseline's bins or categories, for pictures; empty if there are none
    current   the same of the current data
    labels    of the bins or categories
    """

    check: str
    column: str
    rule: str
    value: float | None
    limit: float | None
    noise: float | None
    verdict: str
    sentence: str
    dry_run: bool = False
    labels: tuple[str, ...] = ()
    baseline: tuple[float, ...] = ()
    current: tuple[float, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As JSON; numbers have 12 significant digits."""
        return {
            "check": self.check,
            "column": self.column,
            "rule": self.rule,
            "value": rounded(self.value),
            "limit": rounded(self.limit),
            "noise": rounded(self.noise),
            "verdict": self.verdict,
            "sentence": self.sentence,
            "dry_run": self.dry_run,
            "labels": list(self.labels),
            "baseline": [rounded(share) for share in self.baseline],
            "current": [rounded(share) for share in self.current],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Finding:
        """Read a finding written by :meth:`to_json`."""
        known = {name: value[name] for name in cls.__dataclass_fields__}
        for name in ("labels", "baseline", "current"):
            known[name] = tuple(known[name])
        return cls(**known)


def contradiction_in(report: Mapping[str, object]) -> str:
    """Why a report that says stable contradicts itself; "" if its findings agree, and for any other verdict."""
    if report.get("verdict") != STABLE:
        return ""
    findings = report.get("findings")
    if not isinstance(findings, list) or not all(isinstance(finding, Mapping) for finding in findings):
        return f'says "{STABLE}" without findings'
    counted = [finding for finding in findings if finding.get("dry_run") is not True]
    against = [finding for finding in counted if finding.get("verdict") != STABLE]
    if against:
        about = f" ({against[0]['column']})" if against[0].get("column") else ""
        return f'says "{STABLE}", and its check {against[0].get("check")}{about} says "{against[0].get("verdict")}"'
    if not counted and report.get("baseline_records") != 0:
        return f'says "{STABLE}" with no check that has an effect'
    return ""


@dataclass(frozen=True)
class DriftReport:
    """The verdict on a table.

    verdict           ``stable``, ``drift`` or ``inconclusive``
    sentence          one paragraph for people
    records           of the current data
    baseline_records  of the baseline
    findings          one for each rule and column
    """

    verdict: str
    sentence: str
    records: int
    baseline_records: int
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """Exit code of the command line: 0 stable, 3 drift, 4 inconclusive."""
        return EXIT_CODES[self.verdict]

    def to_json(self) -> dict[str, Any]:
        """As JSON, which :meth:`from_json` reads."""
        return {
            "verdict": self.verdict,
            "sentence": self.sentence,
            "records": self.records,
            "baseline_records": self.baseline_records,
            "findings": [finding.to_json() for finding in self.findings],
            "schema": SCHEMA,
        }

    @classmethod
    def from_json(cls, value: Any) -> DriftReport:
        """Read a report written by :meth:`to_json`; raises :class:`ValueError` for anything else."""
        try:
            if value["verdict"] not in VERDICTS:
                raise ValueError(value["verdict"])
            return cls(
                verdict=value["verdict"],
                sentence=str(value["sentence"]),
                records=int(value["records"]),
                baseline_records=int(value["baseline_records"]),
                findings=tuple(Finding.from_json(finding) for finding in value["findings"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError("this is not the report of a drift check.") from error
