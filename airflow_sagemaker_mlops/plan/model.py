"""The plan: the tasks that Airflow will run, as plain data without Airflow.

One :class:`TaskPlan` per step plus the status task.  Deterministic: same document in, same plan out, byte for byte.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields

from .spec import StepSpec

NO_STEPS = frozenset({"RunCondition", "Status"})
RUN_CONDITION_SUFFIX = ".when"  # a task before a step whose run conditions Airflow's trigger rules cannot express
# No step name has a dot, so no step of a DAG has one of these ids; `factory/build.py` keeps them free in groups.
STATUS_TASK_ID = "pipeline.status"
PARAMETERS_TASK_ID = "pipeline.parameters"  # only if a run has values to render
TEARDOWN_TASK_ID = "pipeline.teardown"
INVALID_TASK_ID = "pipeline.invalid"


@dataclass(frozen=True, slots=True)
class Upstream:
    """An edge into a task.

    label    "If" or "Else" for the edge from a Condition into its branch, "on Failed" for a trigger, else empty
    kind     "explicit" (DependsOn), "data" (a reference), "branch" (nested in), "run_condition" or "status"; the
             strongest wins, in the order branch, explicit, data
    trigger  the end of the upstream step that lets this one run: Completed, Failed, Stopped or Any
    """

    task_id: str
    label: str
    kind: str
    trigger: str = "Completed"


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """One Airflow task.

    step_type     AWS step type, "x-airflow", "RunCondition" or "Status"
    spec          the step's own slice of the definition; empty for run conditions and the status task
    reads         names of the steps whose results this one needs (subset of upstream), sorted
    upstream      every edge into the task, in a fixed order
    """

    task_id: str
    step_type: str
    display_name: str
    description: str
    spec: StepSpec
    reads: tuple[str, ...]
    upstream: tuple[Upstream, ...]

    @property
    def is_step(self) -> bool:
        """Whether it is a step of the definition, not a run condition or the status task."""
        return self.step_type not in NO_STEPS

    @property
    def triggers(self) -> dict[str, str]:
        """{upstream task id: the required end}."""
        return {edge.task_id: edge.trigger for edge in self.upstream}


@dataclass(frozen=True, slots=True)
class ParameterPlan:
    """A pipeline parameter, as needed by Airflow's trigger form."""

    name: str
    type: str
    default: str | int | float | bool | None
    required: bool
    enum: tuple[str | int | float | bool, ...]
    description: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything the factory needs.

    definition_hash   sha256 of the canonical JSON of the document
    tasks             topologically ordered, ties in document order; the status task last
    """

    source: str
    description: str
    definition_hash: str
    parameters: tuple[ParameterPlan, ...]
    tasks: tuple[TaskPlan, ...]

    @property
    def by_id(self) -> dict[str, TaskPlan]:
        """Tasks by id."""
        return {task.task_id: task for task in self.tasks}

    @property
    def step_types(self) -> dict[str, str]:
        """{task id: step type} of the steps, without run conditions and the status task."""
        return {task.task_id: task.step_type for task in self.tasks if task.is_step}

    @property
    def handlers(self) -> dict[str, dict[str, str]]:
        """{step: {step that runs if it fails or is stopped, or in any case: trigger}}."""
        found: dict[str, dict[str, str]] = {}
        for task in self.tasks:
            for edge in self.edges_of(task) if task.is_step else ():
                if edge.trigger != "Completed":
                    found.setdefault(edge.task_id, {})[task.task_id] = edge.trigger
        return found

    def edges_of(self, task: TaskPlan) -> tuple[Upstream, ...]:
        """The edges into a step as in its document; if it has a run condition, the edges into that."""
        if all(edge.kind != "run_condition" for edge in task.upstream):
            return task.upstream
        tasks = self.by_id
        into = (tasks[edge.task_id].upstream if edge.kind == "run_condition" else (edge,) for edge in task.upstream)
        return tuple(edge for edges in into for edge in edges)

    def to_json(self) -> str:
        """Canonical JSON, one line: equal plans give equal text."""
        tasks = [{**_fields(task), "spec": task.spec.to_json()} for task in self.tasks]
        data = {**_fields(self), "tasks": tasks}
        return json.dumps(data, default=asdict, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _fields(of: Plan | TaskPlan) -> dict[str, object]:
    return {one.name: getattr(of, one.name) for one in fields(of)}
