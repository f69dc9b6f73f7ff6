"""A document with steps that give a verdict as one that SageMaker Pipelines takes: with what they stand for.

What a run of this package gives the job of such a step at submit time stands in the document instead: its program and
its rules, as files that have to be in S3 before the pipeline starts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .expressions import is_expression
from .model import Pipeline
from .problems import PipelineError, Problem
from .step_types import VERDICT_BRANCHES, syntax_of
from .verdict_job import FOLDER, OUTPUT, REPORT_FILE, files_of, folder_beside, job_arguments, with_program
from .verdict_kind import VerdictKind
from .verdict_kinds import VERDICT_KINDS
from .verdict_step import branches_of, inputs_of

MEMBERS = {"Verdict": "verdict", "Sentence": "sentence"}
LONGEST_NAME = 64
CHAMPION_FIX = "Leave it out of the definition for the service, and give the model of the champion as a parameter."


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
    """``pipeline`` with its steps that give a verdict lowered.

    folder   S3 URI where they keep their program, rules and reports; beside what they judge if it is empty

    Raises :class:`NotForService` for steps that only Airflow can run, and for a step whose folder is known only
    in a run.
    """
    own = [
        Problem(
            "SM315",
            step.where,
            f'step "{step.name}" is of the type {step.type}, which the service does not have.',
            CHAMPION_FIX if step.type == "x-champion" else "Leave it out of the definition for the service.",
        )
        for step in pipeline.steps
        if step.type.startswith("x-") and step.type not in VERDICT_BRANCHES
    ]
    kinds = {step.name: VERDICT_KINDS[step.type] for step in pipeline.steps if step.type in VERDICT_BRANCHES}
    lowering = _Lowering(pipeline, folder.rstrip("/"), kinds, problems=own)
    document = lowering.lowered(dict(pipeline.document))
    if lowering.problems:
        raise NotForService(pipeline.source, lowering.problems)
    return ServiceDocument(document, lowering.files)


@dataclass(slots=True)
class _Lowering:
    pipeline: Pipeline
    folder: str
    kinds: Mapping[str, VerdictKind]  # of the steps with a verdict, by name
    problems: list[Problem]
    files: dict[str, bytes] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # of conditions, by what they are called here

    def lowered(self, value: object) -> Any:
        """``value`` of a document as the service has it: its steps that give a verdict, and whatever reads them."""
        if isinstance(value, list):
            return [one for item in value for one in self._item(item)]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1 and "Get" in value:
            return self._reference(value)
        return {key: self.lowered(item) for key, item in value.items() if key != "x-airflow"}

    def _item(self, item: object) -> list[Any]:
        if isinstance(item, Mapping) and item.get("Type") in VERDICT_BRANCHES and "Name" in item:
            return list(self._steps(item))
        return [self.lowered(item)]

    def _reference(self, value: Mapping[str, object]) -> Any:
        text = value["Get"]
        root, _, rest = text.partition(".") if isinstance(text, str) else ("", "", "")
        name, _, member = rest.partition(".")
        if root != "Steps" or name not in self.kinds:
            return value
        kind = self.kinds[name]
        if member in MEMBERS:
            return read_report(kind, name, MEMBERS[member])
        if member in kind.files:
            folder = {"Get": f"Steps.{name}.ProcessingOutputConfig.Outputs['{OUTPUT}'].S3Output.S3Uri"}
            return {"Std:Join": {"On": "/", "Values": [folder, kind.files[member]]}}
        return value

    def _steps(self, item: Mapping[str, Any]) -> Iterator[Any]:
        kind = VERDICT_KINDS[item["Type"]]
        left_out = {*kind.branches, *syntax_of(kind.type).settings, "Type", "x-airflow"}
        kept = {key: value for key, value in item.items() if key not in left_out}
        file = {"PropertyFileName": property_file(kind), "OutputName": OUTPUT, "FilePath": REPORT_FILE}
        arguments = self.lowered(self._arguments(kind, item))
        yield {**kept, "Type": "Processing", "Arguments": arguments, "PropertyFiles": [file]}
        inner: list[Any] = []
        for branch in reversed(branches_of(item)):
            read = read_report(kind, item["Name"], "verdict")
            equal = {"Type": "Equals", "LeftValue": read, "RightValue": branch.verdict}
            inner = [
                {
                    "Name": self._condition_name(branch.name),
                    "Type": "Condition",
                    "DisplayName": f"{item.get('DisplayName') or item['Name']}: {branch.verdict}?",
                    "Arguments": {
                        "Conditions": [equal],
                        "IfSteps": self.lowered(item[branch.if_key]),
                        "ElseSteps": self.lowered(item[branch.else_key]) if branch.else_key else inner,
                    },
                }
            ]
        yield from inner

    def _condition_name(self, name: str) -> str:
        """A name that the service takes: no dots, at most 64 characters, and nobody else's."""
        taken = {step.name for step in self.pipeline.steps} | set(self.names.values())
        step, _, verdict = name.rpartition(".")
        free = f"{step[: LONGEST_NAME - len(verdict) - 1]}-{verdict}"
        number = 2
        while free in taken:
            end = f"-{verdict}-{number}"
            free, number = f"{step[: LONGEST_NAME - len(end)]}{end}", number + 1
        self.names[name] = free
        return free

    def _arguments(self, kind: VerdictKind, item: Mapping[str, Any]) -> dict[str, Any]:
        before = self._written(item[next(iter(kind.sources))]["Step"])
        folder = self._folder_of(kind, item, before)
        program = kind.program_of(item)
        settings, values = _without_expressions(program.settings)
        uris = {f"{folder}/{name}": content for name, content in files_of(kind.program, kind.archive, settings).items()}
        self.files.update(uris)
        execution = {"Get": "Execution.PipelineExecutionId"}
        reports = {"Std:Join": {"On": "/", "Values": [f"{folder}/reports/{item['Name']}", execution]}}
        made = job_arguments(before, item.get("Job") or {}, inputs_of(item))
        options = {name: _text(value) for name, value in program.options.items()}
        made = with_program(made, list(uris), options, reports=reports)
        for place, value in values.items():
            made["AppSpecification"]["ContainerArguments"] += ["--set", place, _text(value)]
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

    def _folder_of(self, kind: VerdictKind, item: Mapping[str, Any], before: Mapping[str, Any]) -> str:
        given = self.folder or (item.get("Job") or {}).get(FOLDER)
        if isinstance(given, str):
            return given.rstrip("/")
        outputs = (before.get("ProcessingOutputConfig") or {}).get("Outputs") or []
        uris = [
            (output.get("S3Output") or {}).get("S3Uri")
            for output in outputs
            if isinstance(output, Mapping) and output.get("OutputName") == item[next(iter(kind.sources))]["Output"]
        ]
        folder = folder_beside(uris[0], kind.folder) if given is None and uris and isinstance(uris[0], str) else ""
        if not folder:
            step = self.pipeline.by_name[item["Name"]]
            what = f'where the {kind.noun} "{item["Name"]}" keeps its files is known only in a run.'
            fix = "Give an S3 URI for its program, its rules and its reports."
            self.problems.append(Problem("SM316", step.where, what, fix))
        return folder


def property_file(kind: VerdictKind) -> str:
    """Name of the property file with the report: GateReport, DriftReport."""
    return f"{kind.program.capitalize()}Report"


def read_report(kind: VerdictKind, step: str, member: str) -> dict[str, Any]:
    """An expression for a member of the report that the Processing step ``step`` writes."""
    file = {"Get": f"Steps.{step}.PropertyFiles.{property_file(kind)}"}
    return {"Std:JsonGet": {"PropertyFile": file, "Path": member}}


def _text(value: object) -> object:
    """``value`` as an argument of a container, which is a text, whatever an expression gives."""
    return {"Std:Join": {"On": "", "Values": [value]}} if is_expression(value) else value


def _without_expressions(settings: object) -> tuple[Any, dict[str, Any]]:
    """(settings with ``null`` for every expression, {place: expression}); a run gives the program their values."""
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

    return walk(settings, ""), values
