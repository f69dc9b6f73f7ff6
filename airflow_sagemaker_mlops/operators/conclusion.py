"""How a pipeline's run ended, out of its tasks: what the verdict says, in a worker or in the triggerer.  Blocking."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..document.step_types import WAITING
from ..plan.outcome import verdict
from .ends import ends_from, reason_in, results_of, states_of, xcom_of


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The end of a run.

    said       what the verdict pushes: status, and the steps by what became of them; empty when another has said it
    lines      for the task log: the decisions, and what is worth a word
    cut_off    whether steps were ended from outside, so that jobs of theirs may still be running
    killed     steps that failed without a word: a user, a timeout or a lost process ended them
    because    why the run failed though its steps did not
    states     of the tasks, as Airflow calls them
    refused    whether no step began because what the run asks for cannot be run
    """

    said: Mapping[str, Any]
    lines: Sequence[str] = field(default_factory=tuple)
    cut_off: bool = False
    killed: Sequence[str] = field(default_factory=tuple)
    because: str = ""
    states: Mapping[str, str | None] = field(default_factory=dict)
    refused: bool = False

    @property
    def failure(self) -> str:
        """Why the run failed, in a sentence; empty when it did not."""
        if not self.said or self.said["Status"] != "Failed":
            return self.because
        stopped = (f"{name} (stopped)" for name in self.said["Stopped"])
        bad = ", ".join([*self.said["Failed"], *stopped])
        if not bad and self.because:
            return self.because
        bad = bad or "a step outside this pipeline"
        rest = f"; {len(self.said['NotStarted'])} did not start" if self.said["NotStarted"] else ""
        return f"Step failure: one or multiple steps failed: {bad}{rest}. See their logs."


def conclude(
    ti: Any,
    steps: Mapping[str, str],
    handlers: Mapping[str, Mapping[str, str]],
    stands_in_for: str = "",
    *,
    left_out: Collection[str] = (),
    reused: Collection[str] = (),
) -> Conclusion:
    """The conclusion of the run of ``ti``, the verdict's own task instance.

    steps           {task id: step type}
    handlers        {task id: {task id of a handler: trigger}}
    stands_in_for   task id of the verdict that may have said it already
    left_out        task ids of steps that are not in the part of the pipeline that was asked for
    reused          task ids of steps that gave the result of an earlier run
    """
    if not stands_in_for:
        return _conclude(ti, steps, handlers, left_out, reused)
    state = states_of(ti, [stands_in_for])[stands_in_for]
    if state == "failed":
        # For Airflow a task is no leaf before a teardown like this one, so its failure would not count.
        followed = len(ti.task.dag.task_dict[stands_in_for].downstream_task_ids) > 1
        return Conclusion({}, because="" if followed else f"{stands_in_for} failed: see its log.")
    if state == "success":
        return Conclusion({})
    end = _conclude(ti, steps, handlers, left_out, reused)
    return replace(end, because="the run was ended before the pipeline was.", cut_off=True)


def _conclude(
    ti: Any,
    steps: Mapping[str, str],
    handlers: Mapping[str, Mapping[str, str]],
    left_out: Collection[str],
    reused: Collection[str],
) -> Conclusion:
    states = states_of(ti, list(steps))
    failed = results_of(ti, (name for name, state in states.items() if state == "failed"))
    ends = ends_from(states, failed)
    dropped = sorted(name for name in _dropped(ti, steps, states) if name not in left_out)
    not_taken = {name for name, state in states.items() if state == "skipped"}.difference(dropped, left_out)
    ends.update(dict.fromkeys(dropped, "Stopped"))
    refused = {name: reason for name, result in failed.items() if (reason := reason_in(result))}
    status: str = verdict(ends, handlers)
    if status == "Succeeded" and (refused or "upstream_failed" in states.values()):
        status = "Failed"  # or something outside of the pipeline failed that its steps wait for
    said = {
        "Status": status,
        "Failed": sorted(name for name, end in ends.items() if end == "Failed"),
        "Stopped": sorted(name for name, end in ends.items() if end == "Stopped"),
        "NotStarted": sorted(name for name, state in states.items() if state == "upstream_failed" or name in refused),
        "NotTaken": sorted(not_taken),
        **({"NotSelected": sorted(left_out)} if left_out else {}),
    }
    lines = list(_decisions(ti, steps, states))
    if dropped:
        lines.append(f"skipped by no decision of the pipeline, so counted as stopped: {', '.join(dropped)}")
    if status == "CompletedWithFailures":
        lines.append(f"{', '.join([*said['Failed'], *said['Stopped']])} failed and was handled")
    ran = sum(end != "NotRun" and name not in reused for name, end in ends.items()) - len(dropped)
    none_began = bool(refused) and ran == 0
    if none_began:
        lines.append(f"The pipeline ended {status}: it was refused before any step began, so nothing ran")
    else:
        more = f", {len(reused)} were reused, {len(left_out)} not selected" if reused or left_out else ""
        lines.append(f"The pipeline ended {status}: {ran} steps ran{more}")
    killed = [name for name, result in failed.items() if result is None and steps[name] in WAITING]
    return Conclusion(
        said,
        lines,
        cut_off=bool(killed or dropped),
        killed=killed,
        because=next(iter(refused.values()), ""),
        states=states,
        refused=none_began,
    )


def _dropped(ti: Any, steps: Mapping[str, str], states: Mapping[str, str | None]) -> Iterator[str]:
    """Steps that were skipped though no decision of the pipeline skipped them.

    Airflow skips all that has not begun when somebody marks the run failed, and then only asks its leaves how it ended.
    """
    skipped = {name for name, state in states.items() if state == "skipped"}
    if not skipped:
        return
    decided: set[str] = set()
    for name, step_type in steps.items():
        if step_type == "Condition" and states.get(name) == "success":
            decided.update((xcom_of(ti, name, "skipmixin_key") or {}).get("skipped") or ())
    tasks = ti.task.dag.task_dict
    for name in skipped - decided:
        above = tasks[name].upstream_task_ids
        # Anything that is not a step may have skipped it by its own rules.
        if above <= steps.keys() and not above & skipped:
            yield name


def _decisions(ti: Any, steps: Mapping[str, str], states: Mapping[str, str | None]) -> Iterator[str]:
    for name, step_type in steps.items():
        if step_type == "Condition" and states.get(name) == "success":
            result = xcom_of(ti, name, "return_value") or {}
            yield f"{name}: {(result.get('Decision') or {}).get('Sentence', 'no decision kept')}"
