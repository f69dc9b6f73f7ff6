"""Replays other rules on the predictions of earlier candidates, to see which would have been promoted.

Each candidate is judged against the champion of its day, whose scores are in the same predictions.  A candidate that
the new rules would have refused may have been the champion later; the replay does not model a different champion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .problems import BadPredictions
from .report import INCONCLUSIVE, PROMOTE, REJECT, GateReport
from .rules import Rule

NOT_JUDGED = "not judged"


@dataclass(frozen=True)
class PastCandidate:
    """An earlier candidate.

    name         shown to the user: a run, a day, a version of a model package
    predictions  file or directory
    before       its original verdict, or ``None`` if there was no gate
    champion     the champion's predictions of that day, if they are in a separate file
    values       metrics that were measured elsewhere, as for :func:`~.judge.evaluate`
    no_champion  ``promote``, ``reject`` or ``approve`` if there was no champion
    missing      why the predictions cannot be judged; empty if they are complete
    """

    name: str
    predictions: Path
    before: str | None = None
    champion: Path | None = None
    values: Any = None
    recorded: Any = None
    no_champion: str | None = None
    missing: str = ""


@dataclass(frozen=True)
class Replayed:
    """The new verdict on an earlier candidate, with its reason; no report if it cannot be judged."""

    past: PastCandidate
    report: GateReport | None
    why: str

    @property
    def after(self) -> str:
        """The verdict by the new rules, or ``not judged``."""
        return self.report.verdict if self.report else NOT_JUDGED

    @property
    def has_changed(self) -> bool:
        """Whether the verdict differs from the original one."""
        return self.past.before is not None and self.past.before != self.after

    def __str__(self) -> str:
        verdict = f"{self.past.before} -> {self.after}" if self.has_changed else self.after
        return f"{self.past.name}: {verdict}. {self.why}"


@dataclass(frozen=True)
class Replay:
    """All earlier candidates, in the order given."""

    candidates: tuple[Replayed, ...] = field(default_factory=tuple)

    @property
    def sentence(self) -> str:
        """``These rules would have promoted 4 instead of 11 of 30 candidates: …``"""
        verdicts = [one.after for one in self.candidates]
        count = verdicts.count(PROMOTE)
        said = f"These rules would have promoted {count}"
        if any(one.past.before for one in self.candidates):
            said += f" instead of {sum(one.past.before == PROMOTE for one in self.candidates)}"
        said += f" of {len(verdicts)} {'candidate' if len(verdicts) == 1 else 'candidates'}"
        others = [f"{verdicts.count(word)} {word}" for word in (REJECT, INCONCLUSIVE, NOT_JUDGED) if word in verdicts]
        return f"{said} ({', '.join(others)})." if others else f"{said}."

    def to_json(self) -> dict[str, Any]:
        """As JSON: the sentence, and for each candidate both verdicts and the reason."""
        return {
            "sentence": self.sentence,
            "candidates": [
                {
                    "name": one.past.name,
                    "before": one.past.before,
                    "after": one.after,
                    "why": one.why,
                    "report": one.report.to_json() if one.report else None,
                }
                for one in self.candidates
            ],
        }


def replay(
    rules: Sequence[Rule],
    pasts: Iterable[PastCandidate],
    *,
    noun: str = "records",
    folder: Path | None = None,
    judged: Callable[[Replayed], None] = lambda _: None,
) -> Replay:
    """Judge every earlier candidate again.

    folder   folder with the files of user-defined metrics
    judged   called after each candidate, for progress
    A candidate that cannot be judged (its file is gone, a slice did not exist then) is reported as such; the replay
    continues.
    """
    from .job import judge_files

    made: list[Replayed] = []
    for past in pasts:
        try:
            if past.missing:
                raise BadPredictions([f"{past.missing}."])
            report = judge_files(
                rules,
                past.predictions,
                champion=past.champion,
                values=past.values,
                recorded=past.recorded,
                no_champion=past.no_champion,
                noun=noun,
                folder=folder,
            )
            made.append(Replayed(past, report, report.sentence))
        except BadPredictions as error:
            made.append(Replayed(past, None, " ".join(error.sentences)))
        judged(made[-1])
    return Replay(tuple(made))
