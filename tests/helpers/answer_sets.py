"""Sets of answers to the questions of ``new``: every pair of answers is in one of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from airflow_sagemaker_mlops.scaffold import ProjectError, settle
from airflow_sagemaker_mlops.scaffold.questions import Value

CHOICES: dict[str, tuple[Value, ...]] = {
    "source": ("yaml", "sdk", "file", "pull"),
    "deploy": ("endpoint", "batch", "none"),
    "gate": (True, False),
    "regulated": (False, True),
    "approval": (False, True),
    "monitoring": (True, False),
    "target": ("self-hosted", "mwaa", "astro"),
    "ci": ("github", "codepipeline", "none"),
    "licence": ("proprietary", "apache-2.0", "mit", "none"),
}
Pair = tuple[tuple[str, Value], tuple[str, Value]]


def all_sets() -> Iterator[dict[str, Value]]:
    """Every combination that the questions allow, licences aside."""
    names = [name for name in CHOICES if name != "licence"]
    for values in itertools.product(*(CHOICES[name] for name in names)):
        answers = settled(dict(zip(names, values, strict=True)))
        if answers is not None:
            yield answers


def pairwise() -> list[dict[str, Value]]:
    """A few sets with every pair of answers that is allowed."""
    candidates = [{**answers, "licence": one} for answers in all_sets() for one in CHOICES["licence"]]
    missing = {pair for answers in candidates for pair in pairs(answers)}
    chosen = []
    while missing:
        best = max(candidates[:: 7 if len(missing) > 40 else 1], key=lambda answers: len(missing & pairs(answers)))
        chosen.append(best)
        missing -= pairs(best)
    return chosen


def settled(given: dict[str, Value]) -> dict[str, Value] | None:
    """``given`` with the other answers; ``None`` if a question is answered that is not asked."""
    if given["source"] in ("file", "pull"):
        given = {**given, "definition": "train.json"}
    try:
        return settle({**given, "project": "churn"})
    except ProjectError:
        return None


def pairs(answers: dict[str, Value]) -> set[Pair]:
    return set(itertools.combinations(sorted((name, answers[name]) for name in CHOICES), 2))


def named(answers: Iterable[tuple[str, Value]]) -> str:
    return "-".join(str(value).lower() for name, value in answers if name in CHOICES)
