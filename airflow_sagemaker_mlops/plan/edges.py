"""Who waits for whom, and who reads what (language reference 6.1)."""

from __future__ import annotations

from ..document.model import Get, JsonGet, Pipeline, Step
from ..document.paths import format_path
from .model import Upstream

LABELS = {"IfSteps": "If", "ElseSteps": "Else"}


def upstream_of(step: Step, reads: set[str]) -> tuple[Upstream, ...]:
    """The edges into ``step``: its condition first, then DependsOn in the order written, then references by name."""
    edges: dict[str, Upstream] = {}
    if step.parent is not None:
        edges[step.parent] = Upstream(step.parent, LABELS.get(step.branch or "", ""), "branch")
    for dependency in step.depends_on:
        edges.setdefault(dependency.step, Upstream(dependency.step, "", "explicit"))
    for name in sorted(reads):
        edges.setdefault(name, Upstream(name, "", "data"))
    return tuple(edges.values())


def references(pipeline: Pipeline) -> tuple[dict[str, set[str]], dict[str, set[str]], dict[str, set[str]]]:
    """What steps take from elsewhere: ``(reads, outputs, parameters)``.

    reads        {step: names of the steps whose results it needs}
    outputs      {step: property paths of it that others reference, as text}
    parameters   {step: names of the pipeline parameters it references}
    """
    reads: dict[str, set[str]] = {step.name: set() for step in pipeline.steps}
    outputs: dict[str, set[str]] = {step.name: set() for step in pipeline.steps}
    parameters: dict[str, set[str]] = {step.name: set() for step in pipeline.steps}
    files = {
        (step.name, file.name): f"ProcessingOutputConfig.Outputs['{file.output}'].S3Output.S3Uri"
        for step in pipeline.steps
        for file in step.property_files
    }
    for step in pipeline.steps:
        for expression in step.references:
            match expression:
                case Get(root="Steps", name=name, path=path):
                    reads[step.name].add(name)
                    outputs[name].add(format_path(path))
                case Get(root="Parameters", name=name):
                    parameters[step.name].add(name)
                case JsonGet(step=str(name), property_file=file):
                    reads[step.name].add(name)
                    outputs[name].add(files[name, str(file)])
    return reads, outputs, parameters
