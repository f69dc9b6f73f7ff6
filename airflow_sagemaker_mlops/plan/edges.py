"""Which steps wait for which, and which results they read (docs/language/control-flow.md#edges).

Sets of tasks are bit masks here, because plans can have thousands of tasks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..definition.model import Get, JsonGet, PathPart, Pipeline, Step
from ..definition.property_paths import format_path
from ..definition.step_types import AIRFLOW, syntax_of
from .model import STATUS_TASK_ID, TaskPlan, Upstream
from .spec import NO_SPEC

LABELS = {"IfSteps": "If", "ElseSteps": "Else"}


def upstream_of(step: Step, reads: set[str]) -> tuple[Upstream, ...]:
    """The edges into ``step``: its condition first, then DependsOn in the order written, then references by name."""
    edges: dict[str, Upstream] = {}
    if step.parent is not None:
        edges[step.parent] = Upstream(step.parent, LABELS.get(step.branch or "", ""), "branch")
    for dependency in step.depends_on:
        label = "" if dependency.trigger == "Completed" else f"on {dependency.trigger}"
        edges.setdefault(dependency.step, Upstream(dependency.step, label, "explicit", dependency.trigger))
    for name in sorted(reads):
        edges.setdefault(name, Upstream(name, "", "data"))
    return tuple(edges.values())


@dataclass(frozen=True, slots=True)
class References:
    """What steps reference, each by step name.

    reads        names of the steps whose results it needs
    outputs      property paths of it that others reference, as text
    parameters   names of the pipeline parameters it references
    """

    reads: dict[str, set[str]]
    outputs: dict[str, set[str]]
    parameters: dict[str, set[str]]


def references(pipeline: Pipeline) -> References:
    """Collect all references of all steps."""
    empty: list[dict[str, set[str]]] = [{step.name: set() for step in pipeline.steps} for _ in range(3)]
    found = References(*empty)
    files = {
        (step.name, file.name): f"ProcessingOutputConfig.Outputs['{file.output}'].S3Output.S3Uri"
        for step in pipeline.steps
        for file in step.property_files
    }
    steps = pipeline.by_name
    for step in pipeline.steps:
        for name in _cleaned_by(step):
            if name in steps:
                found.reads[step.name].add(name)
                found.outputs[name] |= syntax_of(steps[name].type).left_in_s3
        for expression in step.references:
            match expression:
                case Get(root="Steps", name=name, path=path):
                    found.reads[step.name].add(name)
                    found.outputs[name].add(format_path(path))
                    _pass_on(steps[name], path, found.outputs)
                case Get(root="IterationOutput", name=name, path=path):
                    found.outputs[name].add(format_path(path))
                case Get(root="Parameters", name=name):
                    found.parameters[step.name].add(name)
                case JsonGet(step=str(name), property_file=file):
                    found.reads[step.name].add(name)
                    found.outputs[name].add(files[name, str(file)])
    return found


def _cleaned_by(step: Step) -> list[str]:
    if step.type != "Cleanup":
        return []
    from ..definition.cleanup_arguments import cleaned_steps  # imported on demand: few documents have one

    return cleaned_steps(step)


def _pass_on(step: Step, path: tuple[PathPart, ...], outputs: dict[str, set[str]]) -> None:
    """A reference to a ForEach step's result also reads the steps in its body."""
    if step.type != "ForEach":
        return
    match path:
        case ("IterationOutputs", int(), str(body), *rest):
            outputs[body].add(format_path(rest))
        case ("Selected", *rest):
            for field in step.references:
                if isinstance(field, Get) and field.root == "IterationOutput":
                    outputs[field.name].add(format_path(rest))


def topological(names: list[str], edges: Mapping[str, tuple[Upstream, ...]]) -> list[str]:
    """``names`` with every step after those that it waits for, otherwise in document order.

    Raises ``ValueError`` for a cycle, which the checks of a document have already refused.
    """
    order: list[str] = []
    done: set[str] = set()
    for name in names:
        stack = [name]
        while stack:
            current = stack[-1]
            waiting = [edge.task_id for edge in edges[current] if edge.task_id not in done]
            if waiting and current not in done:
                if len(stack) > len(edges):
                    raise ValueError(f'step "{current}" waits for itself')
                stack.append(waiting[0])
                continue
            stack.pop()
            if current not in done:
                done.add(current)
                order.append(current)
    return order


_PLAIN = frozenset({"explicit", "data"})
_WITH_RULES = frozenset({AIRFLOW, "RunCondition", "Status"})


def needed_edges(tasks: Sequence[TaskPlan]) -> dict[str, tuple[Upstream, ...]]:
    """{task id: the edges into it that no other edge implies}, chosen so that every task ends in the same state.

    ``A >> B >> C`` implies ``A >> C``: Airflow runs ``C`` only after ``B`` succeeded, and ``B`` only after ``A`` did;
    if ``A`` fails, both are ``upstream_failed``.  This requires that ``B`` has the trigger rule ``all_success`` and
    that only a failure can keep it from running.  A step that a condition may skip can be skipped although ``A`` fails,
    another package's operator may skip itself or have its own trigger rule, and a run condition accepts any end: all
    of their edges stay.

    tasks   in topological order
    """
    bits = {task.task_id: 1 << index for index, task in enumerate(tasks)}
    # Tasks that have succeeded whenever this one runs; only for tasks that nothing but a failure stops.
    before: dict[str, int] = {}
    needed: dict[str, tuple[Upstream, ...]] = {}
    for task in tasks:
        needed[task.task_id] = task.upstream
        if task.step_type in _WITH_RULES:
            continue
        implied, direct, certain = 0, 0, True
        for edge in task.upstream:
            if edge.kind not in _PLAIN or edge.label:
                break
            direct |= bits[edge.task_id]
            if edge.task_id in before:
                implied |= before[edge.task_id]
            else:
                certain = False
        else:
            if direct & implied:
                needed[task.task_id] = tuple(edge for edge in task.upstream if not bits[edge.task_id] & implied)
            if certain:
                before[task.task_id] = implied | direct
    return needed


def status_task(tasks: Sequence[TaskPlan]) -> TaskPlan:
    """The last task of a plan, downstream of ``tasks``."""
    upstream = tuple(Upstream(name, "", "status") for name in status_upstream(tasks))
    return TaskPlan(STATUS_TASK_ID, "Status", "status", "", NO_SPEC, (), upstream)


def status_upstream(tasks: Sequence[TaskPlan]) -> list[str]:
    """Names of the steps that the status task waits for, in the order of ``tasks`` (topological).

    It stops what a run left running, so it must never start early.  But the end of a task does not mean that everything
    upstream has ended: Airflow sets it to ``upstream_failed`` or ``skipped`` as soon as *one* of its upstreams failed
    or was skipped, while others still run (trigger rule ``all_success``, Airflow 3.3).  So the status task is directly
    downstream of every step whose end is not implied by a downstream task's end: every leaf, and a few others.  If a
    step handles another's failure, it is downstream of all steps, as it is if users set trigger rules on steps.
    """
    if any(task.step_type == "RunCondition" for task in tasks):
        return [task.task_id for task in tasks]
    bits = {task.task_id: 1 << index for index, task in enumerate(tasks)}
    ended = _ended_with(tasks, bits, _kept_from_beginning(tasks, bits))
    vouched = 0
    for task in tasks:
        for edge in task.upstream:
            vouched |= bits[edge.task_id] & ended[task.task_id]
    return [task.task_id for task in tasks if not bits[task.task_id] & vouched]


def _kept_from_beginning(tasks: Sequence[TaskPlan], bits: Mapping[str, int]) -> dict[str, int]:
    """{task: the tasks that never start if it fails or is skipped}."""
    below = dict.fromkeys(bits, 0)
    for task in reversed(tasks):
        if task.step_type == AIRFLOW:
            continue  # another package's operator may have its own trigger rule
        for edge in task.upstream:
            below[edge.task_id] |= bits[task.task_id] | below[task.task_id]
    return below


def _ended_with(tasks: Sequence[TaskPlan], bits: Mapping[str, int], below: Mapping[str, int]) -> dict[str, int]:
    """{task: the upstream tasks that cannot be running once it has ended}."""
    ended: dict[str, int] = {}
    skipping: dict[str, dict[str, int]] = {}  # other packages' operators before a task: they may skip it at any time
    for task in tasks:
        over, surely = 0, -1
        may_skip: dict[str, int] = {}
        for edge in task.upstream:
            name = edge.task_id
            done = ended[name] | bits[name]
            over |= done
            # A condition that skips the task has let others run.
            surely &= done if edge.kind == "branch" else done | below[name]
            may_skip |= skipping[name]
        for done in may_skip.values():
            surely &= done
        ended[task.task_id] = 0 if task.step_type == AIRFLOW else over & surely
        if task.step_type == AIRFLOW:
            may_skip = {**may_skip, task.task_id: ended[task.task_id] | bits[task.task_id]}
        skipping[task.task_id] = may_skip
    return ended
