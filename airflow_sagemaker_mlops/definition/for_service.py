"""A document with champion gates as one that SageMaker Pipelines takes: every gate as the standard steps it stands for.

What a run of this package gives the gate's job at submit time stands in the document instead: its program and its
rules, as files that have to be in S3 before the pipeline starts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .expressions import is_expression
from .gate_job import (
    DEFAULT_NO_CHAMPION,
    FOLDER,
    IF_NO_CHAMPION_OPTION,
    OUTPUT,
    REPORT_FILE,
    files_of,
    folder_beside,
    job_arguments,
    with_program,
)
from .gate_step import branches_of, predictions_path
from .model import Pipeline
from .problems import PipelineError, Problem
from .step_types import CHAMPION_GATE, GATE_BRANCHES

PROPERTY_FILE = "GateReport"
MEMBERS = {"Verdict": "verdict", "Sentence": "sentence"}
LONGEST_NAME = 64


class NotForService(PipelineError):
    """The document is right, and SageMaker Pipelines has no steps for all that is in it."""

    headline = "cannot go to SageMaker Pipelines"


@dataclass(frozen=True, slots=True)
class ServiceDocument:
    """A document for the service.

    files   {S3 URI: content} of what its jobs read and nobody has written yet
    """

    document: Mapping[str, Any]
    files: Mapping[str, bytes]


def for_service(pipeline: Pipeline, folder: str = "") -> ServiceDocument:
    """``pipeline`` with its gates lowered.

    folder   S3 URI where the gates keep their program, rules and reports; beside the predictions if it is empty

    Raises :class:`NotForService` for steps that only Airflow can run, and for a gate whose folder is known only
    in a run.
    """
    own = [
        Problem("SM315", step.where, f'step "{step.name}" is of the type {step.type}, which the service does not have.')
        for step in pipeline.steps
        if step.type.startswith("x-") and step.type != CHAMPION_GATE
    ]
    gates = frozenset(step.name for step in pipeline.steps if step.type == CHAMPION_GATE)
    lowering = _Lowering(pipeline, folder.rstrip("/"), gates, problems=own)
    document = lowering.without_gates(dict(pipeline.document))
    if lowering.problems:
        raise NotForService(pipeline.source, lowering.problems)
    return ServiceDocument(document, lowering.files)


@dataclass(slots=True)
class _Lowering:
    pipeline: Pipeline
    folder: str
    gates: frozenset[str]
    problems: list[Problem]
    files: dict[str, bytes] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # of conditions, by what they are called here

    def without_gates(self, value: object) -> Any:
        """``value`` of a document with its gates, and whatever reads them, as the service has them."""
        if isinstance(value, list):
            return [one for item in value for one in self._item(item)]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1 and "Get" in value:
            return self._reference(value)
        return {key: self.without_gates(item) for key, item in value.items() if key != "x-airflow"}

    def _item(self, item: object) -> list[Any]:
        if isinstance(item, Mapping) and item.get("Type") == CHAMPION_GATE and "Name" in item:
            return list(self._steps(item))
        return [self.without_gates(item)]

    def _reference(self, value: Mapping[str, object]) -> Any:
        text = value["Get"]
        root, _, rest = text.partition(".") if isinstance(text, str) else ("", "", "")
        name, _, member = rest.partition(".")
        if root != "Steps" or name not in self.gates:
            return value
        if member in MEMBERS:
            return read_report(name, MEMBERS[member])
        if member == "Report":
            folder = {"Get": f"Steps.{name}.ProcessingOutputConfig.Outputs['{OUTPUT}'].S3Output.S3Uri"}
            return {"Std:Join": {"On": "/", "Values": [folder, REPORT_FILE]}}
        return value

    def _steps(self, item: Mapping[str, Any]) -> Iterator[Any]:
        left_out = {*GATE_BRANCHES, "Champion", "Predictions", "Rules", "NoChampion", "Job", "Type", "x-airflow"}
        kept = {key: value for key, value in item.items() if key not in left_out}
        file = {"PropertyFileName": PROPERTY_FILE, "OutputName": OUTPUT, "FilePath": REPORT_FILE}
        arguments = self.without_gates(self._arguments(item))
        yield {**kept, "Type": "Processing", "Arguments": arguments, "PropertyFiles": [file]}
        inner: list[Any] = []
        for branch in reversed(branches_of(item)):
            equal = {"Type": "Equals", "LeftValue": read_report(item["Name"], "verdict"), "RightValue": branch.verdict}
            inner = [
                {
                    "Name": self._condition_name(branch.name),
                    "Type": "Condition",
                    "DisplayName": f"{item.get('DisplayName') or item['Name']}: {branch.verdict}?",
                    "Arguments": {
                        "Conditions": [equal],
                        "IfSteps": self.without_gates(item[branch.if_key]),
                        "ElseSteps": self.without_gates(item[branch.else_key]) if branch.else_key else inner,
                    },
                }
            ]
        yield from inner

    def _condition_name(self, name: str) -> str:
        """A name that the service takes: no dots, at most 64 characters, and nobody else's."""
        taken = {step.name for step in self.pipeline.steps} | set(self.names.values())
        gate, _, verdict = name.rpartition(".")
        free = f"{gate[: LONGEST_NAME - len(verdict) - 1]}-{verdict}"
        number = 2
        while free in taken:
            end = f"-{verdict}-{number}"
            free, number = f"{gate[: LONGEST_NAME - len(end)]}{end}", number + 1
        self.names[name] = free
        return free

    def _arguments(self, item: Mapping[str, Any]) -> dict[str, Any]:
        predictions, job = item["Predictions"], item.get("Job") or {}
        before = self._written(predictions["Step"])
        source = {"Get": predictions_path(predictions["Step"], predictions["Output"])}
        folder = self._folder_of(item, before)
        rules, values = _without_expressions(item["Rules"])
        uris = {f"{folder}/{name}": content for name, content in files_of(rules).items()}
        self.files.update(uris)
        execution = {"Get": "Execution.PipelineExecutionId"}
        reports = {"Std:Join": {"On": "/", "Values": [f"{folder}/reports/{item['Name']}", execution]}}
        otherwise = {IF_NO_CHAMPION_OPTION: item.get("NoChampion") or DEFAULT_NO_CHAMPION}
        made = job_arguments(before, job, source)
        made = with_program(made, list(uris), rules, reports=reports, no_champion=otherwise)
        for place, value in values.items():  # an argument is a text, whatever the expression gives
            text = {"Std:Join": {"On": "", "Values": [value]}}
            made["AppSpecification"]["ContainerArguments"] += ["--set", place, text]
        return made

    def _written(self, name: str) -> Mapping[str, Any]:
        """``Arguments`` of the step ``name`` as they are written."""
        stack: list[Any] = [self.pipeline.document.get("Steps")]
        while stack:
            value = stack.pop()
            if isinstance(value, Mapping):
                if value.get("Name") == name and value.get("Type") == "Processing":
                    return value.get("Arguments") or {}
                stack.extend(value.values())
            elif isinstance(value, list):
                stack.extend(value)
        return {}

    def _folder_of(self, item: Mapping[str, Any], before: Mapping[str, Any]) -> str:
        given = self.folder or (item.get("Job") or {}).get(FOLDER)
        if isinstance(given, str):
            return given.rstrip("/")
        outputs = (before.get("ProcessingOutputConfig") or {}).get("Outputs") or []
        uris = [
            (output.get("S3Output") or {}).get("S3Uri")
            for output in outputs
            if isinstance(output, Mapping) and output.get("OutputName") == item["Predictions"]["Output"]
        ]
        folder = folder_beside(uris[0]) if given is None and uris and isinstance(uris[0], str) else ""
        if not folder:
            step = self.pipeline.by_name[item["Name"]]
            what = f'where the gate "{item["Name"]}" keeps its files is known only in a run.'
            fix = "Give an S3 URI for its program, its rules and its reports."
            self.problems.append(Problem("SM316", step.where, what, fix))
        return folder


def read_report(gate: str, member: str) -> dict[str, Any]:
    """An expression for a member of the report that the Processing step ``gate`` writes."""
    file = {"Get": f"Steps.{gate}.PropertyFiles.{PROPERTY_FILE}"}
    return {"Std:JsonGet": {"PropertyFile": file, "Path": member}}


def _without_expressions(rules: object) -> tuple[Any, dict[str, Any]]:
    """(rules with ``null`` for every expression, {place: expression}); a run gives the program their values."""
    values: dict[str, Any] = {}

    def walk(value: object, place: str) -> Any:
        if is_expression(value):
            values[place] = value
            return None
        if isinstance(value, Mapping):
            return {key: walk(item, f"{place}.{key}") for key, item in value.items()}
        if isinstance(value, list):
            return [walk(item, f"{place}[{index}]") for index, item in enumerate(value)]
        return value

    return walk(rules, ""), values
