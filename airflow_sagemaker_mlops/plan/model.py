"""The plan: what Airflow will be asked to run, as plain data without Airflow.

One :class:`TaskPlan` a step plus the status task task.  Deterministic: same document in, same plan out, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

GATE_SUFFIX = ".when"  # a task before a step whose run conditions Airflow's trigger rules cannot say
# No step name has a dot, so no step of a DAG has one of these ids; `factory/build.py` keeps them free in groups.
STATUS_TASK_ID = "pipeline.status"
PARAMETERS_TASK_ID = "pipeline.parameters"  # only where a run has values to render
TEARDOWN_TASK_ID = "pipeline.teardown"
INVALID_TASK_ID = "pipeline.invalid"


@dataclass(frozen=True, slots=True)
class Upstream:
    """An edge into a task.

    label    "If" or "Else" for the edge from a Condition into its branch, "on Failed" for a trigger, else empty
    kind     "explicit" (DependsOn), "data" (a reference), "branch" (nested in), "gate" or "status"; the strongest one
             wins, in the order branch, explicit, data
    trigger  the end of the upstream step that lets this one run: Completed, Failed, Stopped or Any
    """

    task_id: str
    label: str
    kind: str
    trigger: str = "Completed"


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """One Airflow task.

    step_type     AWS step type, "x-airflow", "Gate" or "Status"
    spec          the step's own slice of the definition as plain JSON, what a running step needs and nothing else:
                  the step-level keys of the document ("Arguments" with its expressions as written, "FunctionArn",
                  "PropertyFiles", "OutputParameters", "RetryPolicies", "CacheConfig", ...) without Name, Type,
                  DependsOn, DisplayName, Description and nested steps.  Added, each absent when empty:
                  "Outputs"     property paths of this step that others reference, as text, sorted
                  "Parameters"  the pipeline parameters it references: {"N": {"Type": ..., "DefaultValue": ...}}
                  "Files"       the property files it reads: {"<step>": {"<file>": {"OutputName": .., "FilePath": ..}}}
                  "Branches"    Condition: {"If": [task ids], "Else": [task ids]}, the direct steps of each branch
                  "Body"        ForEach: {name: {"Type": ..., and its own spec, "After": [names in the body]}}
                  "Experiment"  the document's PipelineExperimentConfig, for jobs that take one
                  "Triggers"    gate: {upstream task id: trigger}
                  "Steps"       status task: {task id: step type}
                  "Handlers"    status task: {task id: {handler: trigger}}, the steps that run when it ends badly
    reads         names of the steps whose results this one needs (subset of upstream), sorted
    upstream      every edge into the task, in a fixed order
    """

    task_id: str
    step_type: str
    display_name: str
    description: str
    spec: Mapping[str, Any]
    reads: tuple[str, ...]
    upstream: tuple[Upstream, ...]


@dataclass(frozen=True, slots=True)
class ParameterPlan:
    """A pipeline parameter as Airflow's trigger form needs it."""

    name: str
    type: str
    default: str | int | float | bool | None
    required: bool
    enum: tuple[str, ...]
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

    def edges_of(self, task: TaskPlan) -> tuple[Upstream, ...]:
        """The edges into a step as its document has them: a gate's are those of the step behind it."""
        if all(edge.kind != "gate" for edge in task.upstream):
            return task.upstream
        gates = self.by_id
        into = (gates[edge.task_id].upstream if edge.kind == "gate" else (edge,) for edge in task.upstream)
        return tuple(edge for edges in into for edge in edges)

    def to_json(self) -> str:
        """Canonical JSON, one line: equal plans give equal text."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
