"""The rules of a gate as frozen dataclasses, and the known metrics.

:mod:`.rule_reader` reads them from a list as in YAML or JSON.  Neither module imports numpy, because Airflow reads
rules while it parses a DAG file.

A rule is an object with these keys; ``Metric`` and at least one of ``Must``, ``Floor``, ``Ceiling``, ``AlarmAbove``
and ``AlarmBelow`` are required:

``Metric``      one of ``METRICS``; ``module:function`` or ``file.py:function`` for a function
                ``f(labels, scores) -> number``; any other name is a value that is measured elsewhere and
                passed to the gate for both models, e.g. ``latency_p95_ms``
``Goal``        ``maximize`` or ``minimize``; implied for ``METRICS`` and for names with a word of
                ``SMALLER_IS_BETTER`` (``latency_p95_ms``), required otherwise
``Must``        ``improve`` or ``not_worsen``
``By``          the margin: a number, or a percentage of the champion's value (``1%``); default 0
``Confidence``  level of the one-sided decision; default 0.95
``Slice``       a column; the rule is then applied to each of its values
``Values``      values of ``Slice`` that must occur
``MinRecords``  minimum number of records; a smaller slice is left out, and a smaller test set is not decided
``Floor``       lower limit of the candidate's value, for metrics to maximize; needs no champion
``Ceiling``     upper limit of the candidate's value, for metrics to minimize; needs no champion
``AlarmAbove``  a value of the candidate that is too good to be true, for metrics to maximize
``AlarmBelow``  the same for metrics to minimize
``Unit``        a column of groups that are resampled as a whole, e.g. ``customer``
``Compare``     ``rows`` (default), or ``recorded``: the champion's value from an earlier report
``Threshold``   score from which a record counts as positive; default 0.5
``Cost``        for the metric ``cost``: ``{FalsePositive: 1, FalseNegative: 5}``
``DryRun``      ``true``: reported, without effect on the verdict
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

VALUES_FILE = "values.json"  # key among predictions for both models' numbers that were measured elsewhere
MAXIMIZE, MINIMIZE = "maximize", "minimize"
IMPROVE, NOT_WORSEN = "improve", "not_worsen"
ROWS, RECORDED = "rows", "recorded"

KNOWN, FUNCTION, EXTERNAL = "known", "function", "external"


@dataclass(frozen=True)
class MetricTraits:
    """The properties of a metric that do not depend on data.

    title       for sentences
    goal        ``maximize`` or ``minimize``
    bounded     whether its values lie in 0..1
    thresholds  whether scores are first turned into classes
    classifies  whether labels must be 0 or 1
    """

    title: str
    goal: str
    bounded: bool = False
    thresholds: bool = False
    classifies: bool = True


METRICS: dict[str, MetricTraits] = {
    "auc": MetricTraits("AUC", MAXIMIZE, bounded=True),
    "accuracy": MetricTraits("accuracy", MAXIMIZE, bounded=True, thresholds=True),
    "error_rate": MetricTraits("error rate", MINIMIZE, bounded=True, thresholds=True),
    "precision": MetricTraits("precision", MAXIMIZE, bounded=True, thresholds=True),
    "recall": MetricTraits("recall", MAXIMIZE, bounded=True, thresholds=True),
    "f1": MetricTraits("F1", MAXIMIZE, bounded=True, thresholds=True),
    "log_loss": MetricTraits("log loss", MINIMIZE),
    "brier": MetricTraits("Brier score", MINIMIZE, bounded=True),
    "cost": MetricTraits("cost", MINIMIZE, thresholds=True),
    "rmse": MetricTraits("RMSE", MINIMIZE, classifies=False),
    "mae": MetricTraits("MAE", MINIMIZE, classifies=False),
    "r2": MetricTraits("R2", MAXIMIZE, classifies=False),
}
# Words in a user's metric name that imply that smaller is better
SMALLER_IS_BETTER = frozenset(
    [
        "latency",
        "duration",
        "time",
        "ms",
        "us",
        "seconds",
        "minutes",
        "loss",
        "error",
        "errors",
        "failures",
        "cost",
        "price",
        "bytes",
        "kb",
        "mb",
        "gb",
        "size",
    ]
)
FUNCTION_NAME = re.compile(r"(?:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*|[^:\x00]+\.py):[A-Za-z_]\w*")
RECORD_COLUMNS = ("id", "label", "candidate", "champion")


@dataclass(frozen=True)
class Margin:
    """``By`` of a rule: an absolute amount, or a share of the champion's absolute value."""

    amount: float = 0.0
    is_relative: bool = False

    def of(self, champion: float) -> float:
        """The margin in the metric's unit, given the champion's value."""
        return self.amount * abs(champion) if self.is_relative else self.amount

    def __str__(self) -> str:
        return f"{self.amount * 100:g} %" if self.is_relative else f"{self.amount:g}"


@dataclass(frozen=True)
class Costs:
    """The costs of wrong decisions, in any unit."""

    false_positive: float
    false_negative: float


@dataclass(frozen=True)
class Rule:
    """One rule; the module docstring describes its keys.

    place   position in its list, e.g. ``[2]``
    """

    metric: str
    goal: str
    must: str = ""
    by: Margin = Margin()
    confidence: float = 0.95
    slice: str = ""
    values: tuple[str, ...] = ()
    min_records: int = 0
    floor: float | None = None
    ceiling: float | None = None
    alarm_above: float | None = None
    alarm_below: float | None = None
    unit: str = ""
    compare: str = ROWS
    threshold: float = 0.5
    costs: Costs | None = None
    dry_run: bool = False
    place: str = field(default="", compare=False)

    @property
    def kind(self) -> str:
        """``known``, ``function`` or ``external``."""
        return kind_of(self.metric)

    @property
    def title(self) -> str:
        """The metric's name in sentences: ``AUC`` for ``auc``."""
        traits = METRICS.get(self.metric)
        return traits.title if traits else self.metric.rpartition(":")[2] or self.metric

    @property
    def sign(self) -> int:
        """1 if greater is better, else -1."""
        return 1 if self.goal == MAXIMIZE else -1

    @property
    def is_primary(self) -> bool:
        """Whether the candidate must be better by this rule."""
        return self.must == IMPROVE

    @property
    def setting(self) -> str:
        """What the value depends on besides the predictions: ``Threshold: 0.5``; empty if nothing."""
        if self.costs is not None:
            both = f"FalsePositive: {self.costs.false_positive:g}, FalseNegative: {self.costs.false_negative:g}"
            return f"Threshold: {self.threshold:g}, Cost: {{{both}}}"
        traits = METRICS.get(self.metric)
        return f"Threshold: {self.threshold:g}" if traits and traits.thresholds else ""

    @property
    def needs_rows(self) -> bool:
        """Whether the rule is computed from predictions."""
        return self.kind != EXTERNAL


def kind_of(metric: str) -> str:
    """Whether a metric is computed by this package, by a user's function, or elsewhere."""
    if metric in METRICS:
        return KNOWN
    return FUNCTION if FUNCTION_NAME.fullmatch(metric) else EXTERNAL


def goal_of_name(metric: str) -> str:
    """``minimize`` for a name that implies it, such as ``latency_p95_ms``, else an empty string."""
    if kind_of(metric) != EXTERNAL:
        return ""
    return MINIMIZE if SMALLER_IS_BETTER.intersection(re.split(r"[^a-z0-9]+", metric.lower())) else ""


def columns_of(rules: Sequence[Rule]) -> tuple[str, ...]:
    """The slice and unit columns that the rules need in addition to id, label and scores; sorted."""
    return tuple(sorted({column for rule in rules for column in (rule.slice, rule.unit) if column}))
