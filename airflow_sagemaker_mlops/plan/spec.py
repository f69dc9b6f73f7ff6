"""A step's slice of its definition: all that running it takes, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..definition.model import Get, JsonGet, Parameter, Pipeline, Step, walk_expressions
from ..definition.step_types import CHAMPION_GATE, GATE_BRANCHES, syntax_of
from .edges import references

NOT_IN_SPEC = frozenset({"Name", "Type", "DependsOn", "DisplayName", "Description", "x-airflow"})
NESTED = frozenset({"IfSteps", "ElseSteps", "ForEachBody"})
# What SDKs write into every document; one word a step instead of it.
DEFAULT_EXPERIMENT = {
    "ExperimentName": {"Get": "Execution.PipelineName"},
    "TrialName": {"Get": "Execution.PipelineExecutionId"},
}


class Specs:
    """Makes the specs of one pipeline's steps; their members are described at ``TaskPlan``."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.references = references(pipeline)
        self._steps = pipeline.by_name
        self._declared = pipeline.parameters_by_name
        self._raw = _raw_steps(pipeline.document.get("Steps"))
        self._experiment = _present(pipeline.document.get("PipelineExperimentConfig"))
        self._mlflow = _present(pipeline.document.get("MlflowConfig"))
        self._shared = {key: _parameters_in(pipeline, key) for key in ("experiment", "mlflow")}

    def of(self, step: Step, gated: Mapping[str, str]) -> dict[str, Any]:
        """The spec of ``step``; ``gated`` has the gates that stand for steps of its branches."""
        raw = self._raw[step.name]
        spec = {key: value for key, value in raw.items() if key not in NOT_IN_SPEC and value is not None}
        if step.type in ("Condition", "ForEach"):
            spec["Arguments"] = {
                k: v for k, v in (raw.get("Arguments") or {}).items() if k not in NESTED and v is not None
            }
        if step.type == "Condition":
            branches = {"If": step.if_steps, "Else": step.else_steps}
            spec["Branches"] = {side: [gated.get(n, n) for n in names] for side, names in branches.items() if names}
        if step.type == "ForEach":
            spec["Body"] = {name: self._in_body(self._steps[name], step) for name in step.body}
        outputs = sorted(self.references.outputs[step.name])
        if outputs:
            spec["Outputs"] = "all" if "" in outputs else outputs  # "": the whole of what Describe says
        parameters = set(self.references.parameters[step.name])
        named = any(isinstance(r, Get) and r.root == "PipelineExperimentConfig" for r in step.references)
        if self._experiment is not None and (named or syntax_of(step.type).in_experiments):
            spec["Experiment"] = "default" if self._experiment == DEFAULT_EXPERIMENT else self._experiment
            parameters |= self._shared["experiment"]
        if self._mlflow and syntax_of(step.type).with_mlflow:
            spec["Mlflow"] = self._mlflow
            parameters |= self._shared["mlflow"]
        for child in spec.get("Body", {}).values():  # children have their values from the loop
            parameters |= child.get("Parameters", {}).keys()
        if parameters:
            spec["Parameters"] = {name: _declaration(self._declared[name]) for name in sorted(parameters)}
        files = _files(step, self._steps)
        if files:
            spec["Files"] = files
        return {key: value for key, value in spec.items() if value not in ({}, [])}

    def _in_body(self, step: Step, loop: Step) -> dict[str, Any]:
        after = {d.step for d in step.depends_on} | self.references.reads[step.name]
        inside = sorted(after & set(loop.body))
        return {"Type": step.type, **self.of(step, {}), **({"After": inside} if inside else {})}


def _present(block: Any) -> dict[str, Any] | None:
    """A block of the document without its nulls; ``None`` when the block itself is null or absent."""
    if not isinstance(block, Mapping):
        return None
    return {key: value for key, value in block.items() if value is not None}


def _parameters_in(pipeline: Pipeline, block: str) -> set[str]:
    found = walk_expressions(getattr(pipeline, block) or {})
    return {e.name for e in found if isinstance(e, Get) and e.root == "Parameters"}


def _raw_steps(items: Any) -> dict[str, Mapping[str, Any]]:
    """Every step by name as it was written, nested ones included; a champion gate as the steps it stands for."""
    found: dict[str, Mapping[str, Any]] = {}
    gates: list[Mapping[str, Any]] = []
    stack = [items]
    while stack:
        for item in stack.pop() or ():
            found[item["Name"]] = item
            arguments = item.get("Arguments")
            if item["Type"] in ("Condition", "ForEach") and isinstance(arguments, Mapping):
                stack.extend(arguments.get(key) for key in NESTED)
            elif item["Type"] == CHAMPION_GATE:
                gates.append(item)
                stack.extend(item.get(key) for key in GATE_BRANCHES)
    if gates:
        from ..definition.gate_step import raw_steps  # few documents have one

        for gate in gates:
            found.update(raw_steps(gate, found[gate["Predictions"]["Step"]]["Arguments"]))
    return found


def _declaration(parameter: Parameter) -> dict[str, Any]:
    declared: dict[str, Any] = {"Type": parameter.type}
    if parameter.default is not None:
        declared["DefaultValue"] = parameter.default
    return declared


def _files(step: Step, steps: Mapping[str, Step]) -> dict[str, dict[str, dict[str, str]]]:
    files: dict[str, dict[str, dict[str, str]]] = {}
    for expression in step.references:
        if isinstance(expression, JsonGet) and expression.step is not None:
            for file in steps[expression.step].property_files:
                if file.name == expression.property_file:
                    entry = {"OutputName": file.output, "FilePath": file.path}
                    files.setdefault(expression.step, {})[file.name] = entry
    return {step_name: dict(sorted(entries.items())) for step_name, entries in sorted(files.items())}
