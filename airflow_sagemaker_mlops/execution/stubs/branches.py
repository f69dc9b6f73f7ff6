"""Chooses the branches of a rehearsal, and the answers of the steps that decide them.

A rehearsal takes the branches that build most: those with the fewest Fail steps, then with the most steps.  Conditions
that depend only on parameters keep their outcome.  Users can name another branch.

A Condition on the verdict of a champion gate or a drift check, or on an approval, takes the branch for the answer of
that step's stub.  So the answer is chosen, once for all Conditions that read it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Any, Literal

from ...definition.champion_gate import GATE
from ...definition.conditions import parse_conditions
from ...definition.drift_check import DRIFT
from ...definition.evaluate import IncomparableValues, evaluate
from ...definition.model import ConditionNode, Get, Join, JsonGet, walk_expressions
from ...definition.values import as_text
from ...plan.model import Plan, TaskPlan, Upstream

Branch = Literal["If", "Else"]
Answer = Mapping[str, Any]  # properties of a stub
BOTH: tuple[Branch, Branch] = ("If", "Else")
MAX_TRIED = 2**10  # up to this many choices, all are tried; beyond it, one difference after another
MAX_ANSWERS = 3**9
NO_VALUES: Mapping[str, Any] = {}
# {step type: what its stub may answer}; the first is what it answers without a rehearsal's choice.
ANSWERS: Mapping[str, tuple[Answer, ...]] = {
    GATE.type: tuple({"Verdict": verdict} for verdict in GATE.verdicts),
    DRIFT.type: tuple({"Verdict": verdict} for verdict in ("stable", "drift", "inconclusive")),
    "x-approval": ({"Approved": True, "Decision": "Approved"}, {"Approved": False, "Decision": "Rejected"}),
}


class NoSuchChoice(ValueError):
    """No answers of the steps lead to all the branches that were named."""


def conditions_of(plan: Plan) -> list[str]:
    """Names of the Condition steps."""
    return [task.task_id for task in plan.tasks if task.step_type == "Condition"]


def chosen(
    plan: Plan, branches: Mapping[str, Branch] = NO_VALUES, parameters: Mapping[str, object] = NO_VALUES, must: str = ""
) -> dict[str, Branch]:
    """``{Condition: branch}`` that builds most, with the given ``branches``.

    must   a step that has to run; its conditions are chosen for that first

    Raises :class:`NoSuchChoice` if no answers of the steps lead to ``branches``.
    """
    known = _Known.of(plan, values_of(plan, parameters))

    def worth(state: Mapping[str, object]) -> tuple[bool, bool, int, int]:
        choice = known.branches(state, branches)
        running = running_steps(plan, choice)
        fails = sum(task.step_type == "Fail" for task in running)
        # A Condition that stands for a part of a step with a verdict is no step of the document; its name has a dot.
        size = sum(1 + len(task.spec.body) for task in running if "." not in task.task_id)
        has_it = not must or any(task.task_id == must for task in running)
        return known.agrees(state, branches), has_it, -fails, size

    best = _best(known.open(branches), worth)
    if not known.agrees(best, branches):
        raise NoSuchChoice(known.contradiction(branches))
    return known.branches(best, branches)


def _best(domains: Mapping[str, Sequence[Any]], worth: Callable[[Mapping[str, Any]], Any]) -> dict[str, Any]:
    """The first of the best choices of a value for each name."""
    if math.prod(map(len, domains.values())) <= MAX_TRIED:
        return max((dict(zip(domains, way, strict=True)) for way in product(*domains.values())), key=worth)
    best, better = {name: values[0] for name, values in domains.items()}, True
    while better:
        better = False
        for name, values in domains.items():
            for value in values:
                other = {**best, name: value}
                if worth(other) > worth(best):
                    best, better = other, True
    return best


def all_branches(plan: Plan, parameters: Mapping[str, object] = NO_VALUES) -> list[dict[str, Branch]]:
    """Choices that together take every reachable branch; each takes at least one new branch."""
    choices = [chosen(plan, parameters=parameters)]
    taken = _taken(plan, choices[0])
    for name in conditions_of(plan):
        for branch in BOTH:
            if (name, branch) in taken:
                continue
            try:
                choice = chosen(plan, {name: branch}, parameters, must=name)
            except NoSuchChoice:
                continue
            if (name, branch) in _taken(plan, choice):
                choices.append(choice)
                taken |= _taken(plan, choice)
    return choices


def answers_for(
    plan: Plan,
    branches: Mapping[str, Branch],
    parameters: Mapping[str, object] = NO_VALUES,
    declared: Mapping[str, Answer] = NO_VALUES,
) -> dict[str, Answer]:
    """``{step: what its stub answers}`` for ``branches``, of the steps that decide any of them.

    declared   {step: properties of its stub}; an answer in there is kept if it leads to the branches
    """
    known = _Known.of(plan, values_of(plan, parameters))
    domains = {
        step: sorted(possible, key=lambda one: not _is_in(one, declared.get(step)))
        for step, possible in known.possible.items()
        if any(step in known.steps_of(name) for name in branches)
    }
    ways = (dict(zip(domains, way, strict=True)) for way in product(*domains.values()))
    return next((way for way in islice(ways, MAX_ANSWERS) if known.agrees(way, branches)), {})


def _is_in(answer: Answer, declared: Answer | None) -> bool:
    return any((declared or {}).get(key) == value for key, value in answer.items())


def _taken(plan: Plan, choice: Mapping[str, Branch]) -> set[tuple[str, str]]:
    running = running_steps(plan, choice)
    return {(task.task_id, choice[task.task_id]) for task in running if task.step_type == "Condition"}


def running_steps(plan: Plan, choice: Mapping[str, Branch]) -> list[TaskPlan]:
    """The steps that run if all succeed."""
    runs: dict[str, bool] = {}
    for task in plan.tasks:
        runs[task.task_id] = all(_lets_run(edge, runs, choice) for edge in task.upstream)
    return [task for task in plan.tasks if runs[task.task_id] and task.is_step]


def _lets_run(edge: Upstream, runs: Mapping[str, bool], choice: Mapping[str, Branch]) -> bool:
    if edge.label in BOTH and choice.get(edge.task_id, edge.label) != edge.label:
        return False
    return runs.get(edge.task_id, False) and edge.trigger not in ("Failed", "Stopped")


# -- what is known before the run ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the Conditions of a plan before it runs.

    values     of the parameters
    possible   {step: what its stub may answer}
    answered   {Condition: its comparisons with answers of steps}
    decided    {Condition: outcome of its other comparisons}, if parameters decide them; ``None`` for unknown
    """

    values: Mapping[str, Any]
    possible: dict[str, tuple[Answer, ...]] = field(default_factory=dict)
    answered: dict[str, list[ConditionNode]] = field(default_factory=dict)
    decided: dict[str, Branch | None] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: Plan, values: Mapping[str, object]) -> _Known:
        """Read the plan."""
        known = cls(values, {task.task_id: _possible(task) for task in plan.tasks if task.step_type in ANSWERS})
        for task in plan.tasks:
            if task.step_type == "Condition":
                nodes = condition_nodes(task)
                answered = [node for node in nodes if _is_known(node, known.possible) and known.steps_in(node)]
                rest = [node for node in nodes if node not in answered]
                known.answered[task.task_id] = answered
                known.decided[task.task_id] = _decided(rest, values)
        return known

    def steps_in(self, node: object) -> set[str]:
        """The steps whose answers are read in ``node``."""
        reads = (one for one in walk_expressions(node) if isinstance(one, Get))
        return {one.name for one in reads if one.root == "Steps" and one.name in self.possible}

    def steps_of(self, condition: str) -> set[str]:
        """The steps whose answers the Condition compares."""
        return {name for node in self.answered.get(condition, ()) for name in self.steps_in(node)}

    def open(self, branches: Mapping[str, Branch]) -> dict[str, Sequence[Any]]:
        """{step or Condition: what may be chosen for it}."""
        read = {step for name in self.answered for step in self.steps_of(name)}
        free = {name: BOTH for name, outcome in self.decided.items() if outcome is None and name not in branches}
        return {**{name: possible for name, possible in self.possible.items() if name in read}, **free}

    def branches(self, state: Mapping[str, Any], given: Mapping[str, Branch]) -> dict[str, Branch]:
        """The branch of every Condition, with a value in ``state`` for all that is open."""
        return {
            name: "Else" if not self._holds(name, state) else given.get(name) or outcome or state[name]
            for name, outcome in self.decided.items()
        }

    def agrees(self, state: Mapping[str, object], given: Mapping[str, Branch]) -> bool:
        """Whether the answers in ``state`` lead to the branches ``given``; parameters are overruled."""
        for name, branch in given.items():
            if self.answered.get(name) and branch != "Else" and not self._holds(name, state):
                return False
            if self.answered.get(name) and branch == "Else" and self._holds(name, state) and self._has_no_other(name):
                return False
        return True

    def _has_no_other(self, name: str) -> bool:
        """Whether a Condition whose answers hold cannot take its Else branch."""
        return self.decided[name] == "If"

    def _holds(self, name: str, state: Mapping[str, object]) -> bool:
        """Whether the comparisons with answers are true."""
        try:
            return evaluate(self.answered.get(name, []), lambda value: _known_value(value, self.values, state)).value
        except IncomparableValues:  # the run will report it
            return True

    def contradiction(self, branches: Mapping[str, Branch]) -> str:
        """Why no answers lead to ``branches``."""
        named = [name for name in branches if self.steps_of(name)]
        steps = sorted({step for name in named for step in self.steps_of(name)})
        words = ", ".join(f"{name}={branches[name].lower()}" for name in named)
        answer = " and ".join(f'"{step}"' for step in steps)
        return f"no answer of {answer} leads to {words}."


def _possible(task: TaskPlan) -> tuple[Answer, ...]:
    """What the stub of ``task`` may answer; a drift check that fails on drift never answers that."""
    fails = str(task.spec.settings.get("FailOnDrift")).lower() == "true"
    return tuple(one for one in ANSWERS[task.step_type] if not (fails and one.get("Verdict") == "drift"))


def _is_known(node: object, possible: Mapping[str, Sequence[Answer]]) -> bool:
    """Whether ``node`` reads only parameters and answers of steps."""
    for one in walk_expressions(node):
        if isinstance(one, JsonGet):
            return False
        if isinstance(one, Get) and one.root != "Parameters":
            answers = possible.get(one.name) if one.root == "Steps" else None
            if not answers or len(one.path) != 1 or one.path[0] not in answers[0]:
                return False
    return True


def _decided(nodes: Sequence[ConditionNode], values: Mapping[str, object]) -> Branch | None:
    if not _is_known(nodes, {}):
        return None
    try:
        return "If" if evaluate(nodes, lambda value: _known_value(value, values, {})).value else "Else"
    except IncomparableValues:  # the run will report it
        return None


def _known_value(value: object, values: Mapping[str, Any], state: Mapping[str, Any]) -> Any:
    match value:
        case Get(root="Parameters", name=name):
            return values.get(name)
        case Get(name=name, path=path):
            return state[name][path[0]]
        case Join():
            return known_text(value, values, NO_VALUES)
        case _:
            return value


def values_of(plan: Plan, parameters: Mapping[str, object]) -> dict[str, Any]:
    """{parameter: its value in the run}."""
    return {one.name: parameters.get(one.name, one.default) for one in plan.parameters}


def decided_by_parameters(plan: Plan, parameters: Mapping[str, object] = NO_VALUES) -> dict[str, Branch]:
    """``{Condition: branch}`` of the Conditions that compare only parameters and literals."""
    known = _Known.of(plan, values_of(plan, parameters))
    return {name: side for name, side in known.decided.items() if side is not None and not known.answered[name]}


def known_text(value: object, values: Mapping[str, object], execution: Mapping[str, str]) -> str | None:
    """The value of ``value`` before any step has run; ``None`` if it depends on steps."""
    match value:
        case Join(on=on, values=parts):
            texts = [known_text(part, values, execution) for part in parts]
            return None if None in texts else on.join(text for text in texts if text is not None)
        case Get(root="Parameters", name=name):
            return None if values.get(name) is None else as_text(values[name])
        case Get(root="Execution", name=name):
            return execution.get(name)
        case Get() | JsonGet():
            return None
        case _:
            return as_text(value)


def condition_nodes(task: TaskPlan) -> tuple[ConditionNode, ...]:
    """What a Condition step compares."""
    return parse_conditions(task.spec.arguments.get("Conditions") or [], "Conditions")
