"""Determines how a pipeline's run ended, for the status task in a worker or in the triggerer.  Blocking."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..definition.step_types import AIRFLOW, VERDICT_BRANCHES, WAITING
from ..plan.model import PARAMETERS_TASK_ID
from ..plan.run_rules import run_status
from .skip_reasons import SkippedSteps
from .task_states import (
    ENDED,
    PASSED_OVER,
    UNDER_WAY,
    ends_from,
    reason_in,
    results_of,
    states_of,
    why_failed,
    xcom_of,
)

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The end of a run.

    result     the status task's XCom: status, and the steps grouped by how they ended; empty if another task has it
    lines      for the task log: the decisions, and other remarks
    cut_off    whether steps were ended from outside, so that their jobs may still be running
    killed     steps that failed without recording a reason: a user, a timeout or a lost process ended them
    because    why the run failed although its steps did not
    states     of the tasks, in Airflow's terms
    refused    whether no step started because the run's conf was refused
    passed_over  whether an upstream task, a branch or a short circuit, skipped the whole pipeline
    early        whether steps are still running, so that there is no conclusion yet
    reasons      why steps failed, by task id, as far as they have recorded it
    """

    result: Mapping[str, Any]
    lines: Sequence[str] = field(default_factory=tuple)
    cut_off: bool = False
    killed: Sequence[str] = field(default_factory=tuple)
    because: str = ""
    states: Mapping[str, str | None] = field(default_factory=dict)
    refused: bool = False
    passed_over: bool = False
    early: bool = False
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def failure(self) -> str:
        """Why the run failed, as a sentence; empty if it did not."""
        if not self.result or self.result["Status"] != "Failed":
            return self.because
        stopped = (f"{name} (stopped)" for name in self.result["Stopped"])
        bad = ", ".join([*self.result["Failed"], *stopped])
        if not bad and self.because:
            return self.because
        bad = bad or "a step outside this pipeline"
        rest = f"; {len(self.result['NotStarted'])} did not start" if self.result["NotStarted"] else ""
        why = "".join(f"\n{name}: {reason}" for name, reason in self.reasons.items())
        return f"Step failure: one or multiple steps failed: {bad}{rest}. See their logs.{why}"


def conclude(
    ti: RuntimeTaskInstanceProtocol,
    steps: Mapping[str, str],
    handlers: Mapping[str, Mapping[str, str]],
    stands_in_for: str = "",
    *,
    not_selected: Collection[str] = (),
    reused: Collection[str] = (),
) -> Conclusion:
    """The conclusion of the run of ``ti``, the status task's own task instance.

    steps           {task id: step type}
    handlers        {task id: {task id of a handler: trigger}}
    stands_in_for   task id of the status task that may already have concluded the run
    not_selected    task ids of steps that a selective run does not run
    reused          task ids of steps that returned an earlier run's result
    """
    skips = SkippedSteps(ti, steps, states_of(ti, list(steps)), not_selected)
    if not UNDER_WAY.isdisjoint(map(str, skips.states.values())):
        # A user's trigger rule or a cluster policy on a step may end its downstream tasks early.
        return Conclusion({}, early=True, states=skips.states)
    if not stands_in_for:
        if skips.passed_over():
            line = "An upstream task skipped the whole pipeline"
            return Conclusion(PASSED_OVER, [line], states=skips.states, passed_over=True)
        return _conclude(ti, steps, handlers, skips, reused)
    state = states_of(ti, [stands_in_for])[stands_in_for]
    if state == "failed":
        # Airflow takes the state of a run from the DAG's leaves.  The status task is not one, because this task is
        # downstream of it, and no ``all_done`` task or other teardown downstream fails because it did.
        left = xcom_of(ti, stands_in_for, "return_value")
        reason = left.get("Because") if isinstance(left, dict) else None
        return Conclusion({}, because=f"{stands_in_for} failed: {reason or 'see its log.'}")
    if state == "success":
        return Conclusion({})
    covered = state == "skipped" and skips.cover(stands_in_for)
    if covered and skips.passed_over():
        return Conclusion({})
    if covered and not ENDED.issuperset(map(str, skips.states.values())):
        # A short circuit between two steps skips the status task at once, even if other steps are running.
        return Conclusion({}, early=True, states=skips.states)
    end = _conclude(ti, steps, handlers, skips, reused)
    return end if covered else replace(end, because="the run was ended before the pipeline was.", cut_off=True)


def _conclude(
    ti: RuntimeTaskInstanceProtocol,
    steps: Mapping[str, str],
    handlers: Mapping[str, Mapping[str, str]],
    skips: SkippedSteps,
    reused: Collection[str],
) -> Conclusion:
    states, not_selected = skips.states, skips.not_selected
    failed = results_of(ti, (name for name, state in states.items() if state == "failed"))
    ends = ends_from(states, failed)
    dropped = skips.dropped()
    not_taken = {name for name, state in states.items() if state == "skipped"}.difference(dropped, not_selected)
    ends.update(dict.fromkeys(dropped, "Stopped"))
    refused = {name: reason for name, result in failed.items() if (reason := reason_in(result))}
    if "upstream_failed" in states.values():
        refused |= _not_rendered(ti)
    status: str = run_status(ends, handlers)
    if status == "Succeeded" and (refused or "upstream_failed" in states.values()):
        status = "Failed"  # or an upstream task outside the pipeline failed
    result = {
        "Status": status,
        "Failed": sorted(name for name, end in ends.items() if end == "Failed"),
        "Stopped": sorted(name for name, end in ends.items() if end == "Stopped"),
        "NotStarted": sorted(name for name, state in states.items() if state == "upstream_failed" or name in refused),
        "NotTaken": sorted(not_taken),
        **({"NotSelected": sorted(not_selected)} if not_selected else {}),
    }
    lines = list(_decisions(ti, steps, states))
    lines += [f"{', '.join(names)} not taken: {sentence}" for sentence, names in skips.sentences().items()]
    if dropped:
        lines.append(f"skipped without a decision of the pipeline, so counted as stopped: {', '.join(dropped)}")
    if status == "CompletedWithFailures":
        lines.append(f"{', '.join([*result['Failed'], *result['Stopped']])} failed, and that was handled")
    ran = sum(end != "NotRun" and name not in reused for name, end in ends.items()) - len(dropped)
    none_began = bool(refused) and ran == 0
    if none_began:
        lines.append(f"The pipeline ended {status}: it was refused before any step started, so nothing ran")
    else:
        more = f", {len(reused)} were reused, {len(not_selected)} not selected" if reused or not_selected else ""
        lines.append(f"The pipeline ended {status}: {ran} steps ran{more}")
    killed = [name for name, result in failed.items() if result is None and steps[name] in WAITING]
    return Conclusion(
        result,
        lines,
        cut_off=bool(killed or dropped),
        killed=killed,
        because=next(iter(refused.values()), ""),
        states=states,
        refused=none_began,
        reasons={name: why for name in result["Failed"] if steps[name] != AIRFLOW and (why := why_failed(ti, name))},
    )


def _not_rendered(ti: RuntimeTaskInstanceProtocol) -> dict[str, str]:
    """{task id: reason} of the pipeline's first task, if it could not render the parameter values."""
    first = ti.task_id.rpartition("pipeline.")[0] + PARAMETERS_TASK_ID
    if first not in ti.task.dag.task_dict:
        return {}
    reason = reason_in(xcom_of(ti, first, "return_value"))
    return {first: reason} if reason else {}


def _decisions(
    ti: RuntimeTaskInstanceProtocol, steps: Mapping[str, str], states: Mapping[str, str | None]
) -> Iterator[str]:
    for name, step_type in steps.items():
        if step_type in ("Condition", *VERDICT_BRANCHES) and states.get(name) == "success":
            result = xcom_of(ti, name, "return_value") or {}
            yield f"{name}: {(result.get('Decision') or {}).get('Sentence', 'no decision recorded')}"
