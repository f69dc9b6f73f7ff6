"""Judges a drift check: applies every rule, column by column, to the data and the baseline's profile."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..gate.problems import first_few
from . import statistics
from .profile import ColumnProfile, Profile, bin_counts
from .report import DRIFT, INCONCLUSIVE, STABLE, DriftReport, Finding
from .rules import KS, LABEL_RATE, MISSING, NEW_CATEGORIES, PSI, RECORDS, SCHEMA, DriftRule
from .table import CATEGORICAL, NUMERIC, BadData, Column, Table

SHOWN_CATEGORIES = 9  # drawn one by one in pictures; the others are drawn together


def judge(
    table: Table,
    baseline: Profile | None,
    rules: Sequence[DriftRule],
    *,
    noun: str = "records",
    no_baseline: str = STABLE,
) -> DriftReport:
    """Judge ``table`` by ``rules`` against ``baseline``; ``no_baseline`` is the verdict if ``baseline`` is ``None``.

    A value above its limit that chance does not explain is drift.  If chance may explain it, or the sample is so small
    that unchanged data would exceed the limit, the rule is inconclusive.
    Without a baseline, rules on the number of records still apply.
    Raises :class:`BadData` if a rule names a column that neither side has, or needs a label and there is none.
    """
    if baseline is None:
        return _alone(table, [rule for rule in rules if rule.check == RECORDS], noun, no_baseline)
    _columns_exist(table, baseline, rules)
    findings = tuple(finding for rule in rules for finding in _Judge(table, baseline, rule, noun).findings())
    counted = [finding.verdict for finding in findings if not finding.dry_run]
    verdict = DRIFT if DRIFT in counted else INCONCLUSIVE if INCONCLUSIVE in counted or not counted else STABLE
    return DriftReport(
        verdict, _sentence(verdict, findings, table, baseline, noun), table.records, baseline.records, findings
    )


def _alone(table: Table, rules: Sequence[DriftRule], noun: str, otherwise: str) -> DriftReport:
    """The report if there is no baseline."""
    nothing = Profile(0, {})
    findings = tuple(finding for rule in rules for finding in _Judge(table, nothing, rule, noun).findings())
    drifted = [finding for finding in findings if finding.verdict == DRIFT and not finding.dry_run]
    verdict = DRIFT if drifted else otherwise
    if drifted:
        sentence = " ".join(["Drift, without a baseline.", *(finding.sentence for finding in drifted)])
    else:
        word = {STABLE: "stable", DRIFT: "drift", INCONCLUSIVE: "not decided"}[otherwise]
        sentence = f"There is no baseline to compare {table.records:,} {noun} with; that counts as {word} here."
    return DriftReport(verdict, sentence, table.records, 0, findings)


def _columns_exist(table: Table, baseline: Profile, rules: Sequence[DriftRule]) -> None:
    sentences = []
    for rule in rules:
        named = (*rule.columns, *sorted(rule.ignored))
        absent = [name for name in named if name not in baseline.columns and name not in table.columns]
        if absent:
            sentences.append(
                f"rule {rule.place} names the column {first_few(absent, len(absent))}, which the data does not have."
            )
        if rule.check == LABEL_RATE and not (table.label and table.label in baseline.columns):
            sentences.append(f'rule {rule.place} checks "label_rate", and no column of both sides is the label.')
    if sentences:
        raise BadData(*sentences)


def _sentence(verdict: str, findings: Sequence[Finding], table: Table, baseline: Profile, noun: str) -> str:
    against = f"{table.records:,} {noun} against {baseline.records:,} of the baseline"
    reasons = [finding for finding in findings if finding.verdict == verdict and not finding.dry_run]
    if verdict == STABLE:
        within = sum(not finding.dry_run for finding in findings)
        return f"No drift: {against}, {within:,} {'check' if within == 1 else 'checks'} within their limits."
    if not reasons:
        return f"Not decided: {against}. No rule with an effect found anything to compare."
    word = "Drift" if verdict == DRIFT else "Not decided"
    worst = sorted(reasons, key=_excess, reverse=True)
    shown = " ".join(finding.sentence for finding in worst[:3])
    left = len(worst) - 3
    more = "" if left < 1 else " One more finding." if left == 1 else f" {left:,} more findings."
    return f"{word}: {against}. {shown}{more}"


def _excess(finding: Finding) -> float:
    """How far a number exceeds its limit; infinite without a number, because then the column is missing."""
    return math.inf if finding.value is None else finding.value / (finding.limit or 1)


@dataclass(frozen=True)
class _Judge:
    """Judges one rule."""

    table: Table
    baseline: Profile
    rule: DriftRule
    noun: str

    def findings(self) -> Iterator[Finding]:
        rule = self.rule
        if rule.check == SCHEMA:
            yield from self._schema()
        elif rule.check == RECORDS:
            yield self._records()
        elif rule.check == LABEL_RATE:
            yield self._label_rate()
        else:
            for name, before in self.baseline.columns.items():
                if rule.applies_to(name):
                    yield from self._column(name, before, self.table.columns.get(name))

    # -- the table

    def _schema(self) -> Iterator[Finding]:
        faults = []
        for name, before in self.baseline.columns.items():
            column = self.table.columns.get(name)
            if not self.rule.applies_to(name):
                continue
            if column is None:
                faults.append((name, f'The column "{name}" of the baseline is gone.'))
            elif (before.kind == NUMERIC) != (column.kind == NUMERIC) and before.count and _has_values(column):
                faults.append((name, f'The column "{name}" was {_kind(before)} and is now {_now(column)}.'))
        known = self.baseline.columns
        faults += [
            (name, f'The column "{name}" is new.')
            for name in self.table.columns
            if name not in known and self.rule.applies_to(name)
        ]
        for name, what in faults:
            yield self._finding(name, None, None, DRIFT, what)
        if not faults:
            yield self._finding("", None, None, STABLE, "The columns are those of the baseline.")

    def _records(self) -> Finding:
        records, least, most = self.table.records, self.rule.least, self.rule.most
        if least is not None and records < least:
            return self._finding("", records, least, DRIFT, f"There are {records:,} {self.noun}, fewer than {least:,}.")
        if most is not None and records > most:
            return self._finding("", records, most, DRIFT, f"There are {records:,} {self.noun}, more than {most:,}.")
        limit = least if least is not None else most
        return self._finding("", records, limit, STABLE, f"There are {records:,} {self.noun}.")

    def _label_rate(self) -> Finding:
        name = self.table.label
        before, numbers = self.baseline.columns[name], self.table.columns[name].numbers
        if before.kind != NUMERIC or not before.count or not len(numbers):
            raise BadData(f'the label "{name}" has no numbers, so it has no rate.')
        mean = float(numbers.mean())
        value, noise = statistics.change_of_mean(
            statistics.Mean(before.mean, before.variance, before.count),
            statistics.Mean(mean, float(numbers.var()), len(numbers)),
        )
        what = f'The mean of the label "{name}" is {mean:.4g} instead of {before.mean:.4g}'
        return self._measured(name, value, noise, what)

    # -- a column

    def _column(self, name: str, before: ColumnProfile, column: Column | None) -> Iterator[Finding]:
        check = self.rule.check
        if column is None:
            yield self._not_compared(name, f'The column "{name}" of the baseline is gone.')
            return
        both = {before.kind, column.kind}
        if check == MISSING:
            yield self._missing(name, before, column)
        elif not self._is_about(before):
            if name in self.rule.columns:
                yield self._not_compared(name, f'The baseline has nothing of "{name}" that {check} could compare with.')
        elif not _has_values(column):
            yield self._not_compared(name, f'No record has a value of "{name}".')
        elif before.kind != column.kind:
            yield self._not_compared(name, f'The column "{name}" was {_kind(before)} and is now {_now(column)}.')
        elif check == PSI and both == {NUMERIC}:
            yield self._numeric_psi(name, before, column)
        elif check == PSI and both == {CATEGORICAL}:
            yield self._categorical_psi(name, before, column)
        elif check == KS and both == {NUMERIC}:
            quantiles = np.asarray(before.quantiles)
            value, noise = statistics.kolmogorov_smirnov(quantiles, before.count, column.numbers)
            yield self._measured(name, value, noise, f'The Kolmogorov-Smirnov distance of "{name}" is {value:.2f}')
        elif check == NEW_CATEGORIES and both == {CATEGORICAL}:
            yield self._new_categories(name, before, column)

    def _is_about(self, before: ColumnProfile) -> bool:
        """Whether the baseline has the statistics that the rule compares."""
        kinds = {PSI: (NUMERIC, CATEGORICAL), KS: (NUMERIC,), NEW_CATEGORIES: (CATEGORICAL,)}[self.rule.check]
        return before.kind in kinds and before.count > 0

    def _not_compared(self, name: str, what: str) -> Finding:
        """A column that changed so much that its values cannot be compared: drift if the rule names it."""
        verdict = DRIFT if name in self.rule.columns else INCONCLUSIVE
        return self._finding(name, None, self.rule.limit, verdict, what)

    def _missing(self, name: str, before: ColumnProfile, column: Column) -> Finding:
        records = self.table.records
        absent = column.missing + column.infinite
        value, noise = statistics.increase_of_share(
            before.missing + before.infinite, self.baseline.records, absent, records
        )
        share = f"{absent / records:.1%} of the {self.noun} have no value of"
        what = f'{share} "{name}", against {before.missing_share:.1%}'
        return self._measured(name, value, noise, what)

    def _numeric_psi(self, name: str, before: ColumnProfile, column: Column) -> Finding:
        old, new = np.asarray(before.bins), bin_counts(column.numbers, before.edges)
        return self._psi(name, old, new, _bin_labels(before))

    def _categorical_psi(self, name: str, before: ColumnProfile, column: Column) -> Finding:
        known = before.categories
        old = [*known.values(), before.others]
        unknown = sum(count for text, count in column.counts.items() if text not in known)
        new = [*(column.counts[text] for text in known), unknown]
        if not before.others and not unknown:
            old, new = old[:-1], new[:-1]
        return self._psi(name, np.asarray(old), np.asarray(new), [*known, "others"][: len(old)])

    def _psi(self, name: str, old: np.ndarray, new: np.ndarray, labels: Sequence[str]) -> Finding:
        value, noise = statistics.population_stability_index(old, new)
        if self.baseline.columns[name].kind == CATEGORICAL and len(labels) > SHOWN_CATEGORIES + 1:
            old, new, labels = _fewer(old), _fewer(new), [*labels[:SHOWN_CATEGORIES], "others"]
        picture = _picture(old, new, labels)
        return self._measured(name, value, noise, f'The population stability index of "{name}" is {value:.2f}', picture)

    def _new_categories(self, name: str, before: ColumnProfile, column: Column) -> Finding:
        if before.others:  # a category that the profile dropped looks like a new one
            what = f'"{name}" has more categories than a profile keeps, so new ones cannot be recognized.'
            return self._finding(name, None, self.rule.limit, INCONCLUSIVE, what)
        new = Counter({text: count for text, count in column.counts.items() if text not in before.categories})
        total, known = sum(column.counts.values()), sum(before.categories.values())
        value, noise = statistics.share_of_new(sum(new.values()), total, before.singletons, known)
        examples = [f'"{text[:60]}"' for text, _ in sorted(new.items(), key=lambda pair: (-pair[1], pair[0]))[:3]]
        shown = f" ({first_few(examples, len(new))})" if examples else ""
        return self._measured(name, value, noise, f'{value:.1%} of the {self.noun} have a new "{name}"{shown}')

    # -- findings

    def _in_its_unit(self, plain: str, value: float) -> str:
        """A limit in the unit of the sentence: shares in percent, an increase of a share in percentage points."""
        points = f"{value * 100:.3g}"
        return {MISSING: f"{points} percentage points", NEW_CATEGORIES: f"{points}%"}.get(self.rule.check, plain)

    def _measured(self, name: str, value: float, noise: float, what: str, picture: _Picture | None = None) -> Finding:
        limit = self.rule.limit
        end = f"; the limit is {self._in_its_unit(f'{limit:g}', limit)}"
        if value > limit and value > noise:
            verdict = DRIFT
        elif value > limit or noise > limit > 0:
            verdict = INCONCLUSIVE
            chance = self._in_its_unit(f"{noise:.2g}", noise)
            end += f", but chance alone gives up to {chance} with so few {self.noun}"
        else:
            verdict = STABLE
        shown = picture or _Picture()
        return replace(
            self._finding(name, value, limit, verdict, f"{what}{end}."),
            noise=noise,
            labels=shown.labels,
            baseline=shown.baseline,
            current=shown.current,
        )

    def _finding(self, column: str, value: float | None, limit: float | None, verdict: str, sentence: str) -> Finding:
        rule = self.rule
        return Finding(
            check=rule.check,
            column=column,
            rule=rule.place,
            value=value,
            limit=limit,
            noise=None,
            verdict=verdict,
            sentence=sentence,
            dry_run=rule.dry_run,
        )


@dataclass(frozen=True)
class _Picture:
    """The shares compared by a population stability index."""

    labels: tuple[str, ...] = ()
    baseline: tuple[float, ...] = ()
    current: tuple[float, ...] = ()


def _picture(old: np.ndarray, new: np.ndarray, labels: Sequence[str]) -> _Picture:
    def shares(counts: np.ndarray) -> tuple[float, ...]:
        return tuple(float(share) for share in counts / max(counts.sum(), 1))

    return _Picture(tuple(labels), shares(old), shares(new))


def _bin_labels(column: ColumnProfile) -> list[str]:
    """The values themselves if each has a bin, else the upper edges of the bins."""
    if not column.edges:
        return ["all"]
    values = sorted(set(column.quantiles))
    if len(values) == len(column.edges) + 1:
        return [f"{value:.6g}" for value in values]
    return [*(f"<= {edge:.6g}" for edge in column.edges), f"> {column.edges[-1]:.6g}"]


def _fewer(counts: np.ndarray) -> np.ndarray:
    """The counts of the most common categories, and of all others together."""
    return (
        counts
        if len(counts) <= SHOWN_CATEGORIES + 1
        else np.append(counts[:SHOWN_CATEGORIES], counts[SHOWN_CATEGORIES:].sum())
    )


def _has_values(column: Column) -> bool:
    return bool(len(column.numbers) or column.counts)


def _kind(column: ColumnProfile) -> str:
    return "numbers" if column.kind == NUMERIC else "text"


def _now(column: Column) -> str:
    return "numbers" if column.kind == NUMERIC else f'text ("{column.example[:60]}")'
