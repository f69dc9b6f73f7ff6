"""Why steps were skipped: by a decision of the pipeline, by an upstream task, or by the end of the run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..definition.step_types import AIRFLOW
from .task_states import PASSED_OVER, skipped_of, xcom_of

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol


@dataclass(frozen=True)
class SkippedSteps:
    """The skipped steps of the run of ``ti``.

    steps      {task id: step type}
    states     of their tasks, in Airflow's terms
    not_selected   task ids of steps that a selective run does not run
    """

    ti: RuntimeTaskInstanceProtocol
    steps: Mapping[str, str]
    states: Mapping[str, str | None]
    not_selected: Collection[str]

    def dropped(self) -> list[str]:
        """Steps that nothing in the DAG skipped.

        If a user marks the run failed, Airflow skips everything that has not started, and then takes the run's state
        only from its leaves.
        """
        left = self._skipped - self._decided - self._outside - self._behind - set(self.not_selected)
        return sorted(name for name in left if not self._may_skip_itself(name))

    def passed_over(self) -> bool:
        """Whether no step ran, because a task upstream of the pipeline skipped its first steps."""
        asked_for = self.steps.keys() - set(self.not_selected)
        return bool(self._outside) and asked_for <= self._skipped and not self.dropped()

    def cover(self, status_task: str) -> bool:
        """Whether a task of the DAG, rather than the end of the run, skipped the status task, or it skipped itself."""
        if _names_one(self._decisions.values(), status_task):
            return True
        if self.passed_over() and xcom_of(self.ti, status_task, "return_value") == PASSED_OVER:
            return True
        return _names_one((_word(self.ti, name) for name in self._outsiders), status_task)

    def sentences(self) -> dict[str, list[str]]:
        """{sentence of a champion gate: steps that were skipped because of its verdict}; no conditions of gates."""
        found: dict[str, list[str]] = {}
        for step, word in self._decisions.items():
            skipped = {name for name in self._skipped if _names(word, name, name in self._below(step))}
            decision = (xcom_of(self.ti, step, "return_value") or {}).get("Decision") if skipped else None
            if isinstance(decision, Mapping) and decision.get("Because"):
                names = (name for name in self._behind_all(skipped) if name.rpartition(".")[0] not in self.steps)
                found.setdefault(str(decision["Because"]), []).extend(sorted(names))
        return {sentence: names for sentence, names in found.items() if names}

    def _behind_all(self, names: set[str]) -> set[str]:
        """``names``, and every skipped step behind them."""
        found, left = set(names), list(names)
        while left:
            behind = (self._below(left.pop()) & self._skipped) - found
            found |= behind
            left += behind
        return found

    @cached_property
    def _skipped(self) -> set[str]:
        return {name for name, state in self.states.items() if state == "skipped"}

    @cached_property
    def _decisions(self) -> dict[str, Mapping[str, Any]]:
        """{step: its ``skipmixin_key`` XCom} of the steps that may have skipped others."""
        deciding = (name for name in self.steps if self.states.get(name) == "success" and self._decides(name))
        return {name: _word(self.ti, name) for name in deciding}

    @cached_property
    def _decided(self) -> set[str]:
        """Steps of branches that were not taken."""
        if not self._skipped:
            return set()
        return {
            name
            for name in self._skipped
            if any(_names(word, name, name in self._below(step)) for step, word in self._decisions.items())
        }

    @cached_property
    def _behind(self) -> set[str]:
        """Steps downstream of a skipped step."""
        return {name for name in self._skipped if self._above(name) & self._skipped}

    @cached_property
    def _outside(self) -> set[str]:
        """Steps skipped by a task outside the pipeline, or downstream of such a task that was skipped."""
        others = {name: self._above(name) - self.steps.keys() for name in self._skipped - self._decided}
        outside = sorted(set().union(*others.values()))
        skipped = skipped_of(self.ti, outside)
        words = {name: _word(self.ti, name) if self._decides(name) else {} for name in outside}
        return {
            name
            for name, above in others.items()
            if any(other in skipped or _names(words[other], name, True) for other in above)
        }

    def _may_skip_itself(self, name: str) -> bool:
        if self._task(name).trigger_rule != "all_success":
            return True
        return self.steps[name] == AIRFLOW and xcom_of(self.ti, name, "return_value") == PASSED_OVER

    @cached_property
    def _outsiders(self) -> list[str]:
        """The user's tasks upstream of steps or between two steps that may skip others."""
        found: set[str] = set()
        left = list(self.steps)
        while left:
            above = self._above(left.pop()) - self.steps.keys() - found
            found |= above
            left += above
        return sorted(name for name in found if self._decides(name))

    def _decides(self, name: str) -> bool:
        """Whether Airflow treats the task as a branch or a short circuit."""
        return bool(self._task(name).inherits_from_skipmixin)

    def _above(self, name: str) -> set[str]:
        return set(self._task(name).upstream_task_ids)

    def _below(self, name: str) -> set[str]:
        return set(self._task(name).downstream_task_ids)

    def _task(self, name: str) -> Any:
        return self.ti.task.dag.task_dict[name]


def _word(ti: RuntimeTaskInstanceProtocol, task_id: str) -> Mapping[str, Any]:
    return xcom_of(ti, task_id, "skipmixin_key") or {}


def _names_one(words: Iterable[Mapping[str, Any]], task_id: str) -> bool:
    return any(_names(word, task_id, False) for word in words)


def _names(word: Mapping[str, Any], task_id: str, is_next: bool) -> bool:
    """Whether the ``skipmixin_key`` XCom of a branch or a short circuit means that it skipped ``task_id``.

    is_next   whether the task is directly downstream of it
    """
    followed = word.get("followed")
    return task_id in (word.get("skipped") or ()) or (is_next and followed is not None and task_id not in followed)
