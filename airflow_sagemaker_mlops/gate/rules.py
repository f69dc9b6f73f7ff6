"""The rules of a gate as frozen dataclasses, and the metrics that they are about.

:mod:`.rule_reader` makes them of a list as in YAML or JSON.  Neither imports numpy, because rules are read while
Airflow parses a DAG file.

A rule is an object with these keys; ``Metric`` and at least one of ``Must``, ``Floor``, ``Ceiling``, ``AlarmAbove``
and ``AlarmBelow`` are required:

``Metric``      one of ``METRICS``; ``module:function`` or ``file.py:function`` for a function
                ``f(labels, scores) -> number``; any other name is a number that is measured elsewhere and passed to
                the gate for both models, e.g. ``latency_p95_ms``
``Goal``        ``maximize`` or ``minimize``; known for ``METRICS`` and for names with a word of
                ``SMALLER_IS_BETTER`` (``latency_p95_ms``), required otherwise
``Must``        ``improve`` or ``not_worsen``
``By``          the margin: a number, or a percentage of the champion's value (``1%``); 0 if left out
``Confidence``  of the one-sided decision; 0.95 if left out
``Slice``       a column; the rule then holds for the records of each of its values
``Values``      values of ``Slice`` that must occur
``MinRecords``  least number of records; a slice with fewer is left out, and fewer in all decide nothing
``Floor``       least value of the candidate, for metrics to maximize; needs no champion
``Ceiling``     greatest value of the candidate, for metrics to minimize; needs no champion
``AlarmAbove``  a value of the candidate that is too good to be true, for metrics to maximize
``AlarmBelow``  the same for metrics to minimize
``Unit``        a column of groups that are drawn together, e.g. ``customer``
``Compare``     ``rows`` (default), or ``recorded``: the champion's number of an earlier report
``Threshold``   score from which a record counts as positive; 0.5 if left out
``Cost``        for the metric ``cost``: ``{FalsePositive: 1, FalseNegative: 5}``
``DryRun``      ``true``: reported, without effect on the verdict
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

VALUES_FILE = "values.json"  # among predictions: numbers of both models that were measured elsewhere
MAXIMIZE, MINIMIZE = "maximize", "minimize"
IMPROVE, NOT_WORSEN = "improve", "not_worsen"
ROWS, RECORDED = "rows", "recorded"

KNOWN, FUNCTION, EXTERNAL = "known", "function", "external"


@dataclass(frozen=True)
class MetricTraits:
    """What is known of a metric without looking at data.

    title       as in sentences
    goal        ``maximize`` or ``minimize``
    bounded     whether its values lie in 0..1
    thresholds  whether scores are turned into classes first
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
# Words of a name of the user's that say that its value should be small
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
    """``By`` of a rule: an amount, or a share of the champion's absolute value."""

    amount: float = 0.0
    is_relative: bool = False

    def of(self, champion: float) -> float:
        """The margin in the metric's unit, given the champion's value."""
        return self.amount * abs(champion) if self.is_relative else self.amount

    def __str__(self) -> str:
        return f"{self.amount * 100:g} %" if self.is_relative else f"{self.amount:g}"


@dataclass(frozen=True)
class Costs:
    """What a wrong decision costs, in any unit."""

    false_positive: float
    false_negative: float


@dataclass(frozen=True)
class Rule:
    """One rule; the keys are explained in the docstring of this module.

    place   where it stands in its list, e.g. ``[2]``
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
        """The metric as in a sentence: ``AUC`` for ``auc``."""
        traits = METRICS.get(self.metric)
        return traits.title if traits else self.metric.rpartition(":")[2] or self.metric

    @property
    def sign(self) -> int:
        """1 if greater is better, else -1."""
        return 1 if self.goal == MAXIMIZE else -1

    @property
    def is_primary(self) -> bool:
        """Whether the candidate has to be better by this rule."""
        return self.must == IMPROVE

    @property
    def needs_rows(self) -> bool:
        """Whether the rule is computed from predictions."""
        return self.kind != EXTERNAL


def kind_of(metric: str) -> str:
    """How a metric is computed: by this package, by a user's function, or elsewhere."""
    if metric in METRICS:
        return KNOWN
    return FUNCTION if FUNCTION_NAME.fullmatch(metric) else EXTERNAL


def goal_of_name(metric: str) -> str:
    """``minimize`` for a name such as ``latency_p95_ms`` that says so, else an empty text."""
    if kind_of(metric) != EXTERNAL:
        return ""
    return MINIMIZE if SMALLER_IS_BETTER.intersection(re.split(r"[^a-z0-9]+", metric.lower())) else ""


def columns_of(rules: Sequence[Rule]) -> tuple[str, ...]:
    """The columns of slices and units that the rules need beside id, label and scores; sorted."""
    return tuple(sorted({column for rule in rules for column in (rule.slice, rule.unit) if column}))
