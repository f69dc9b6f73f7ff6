"""Definition as plain JSON -> :class:`Pipeline`.  Only this module and ``keys`` know how AWS spells the keys.

Problems of the document's *shape* are reported here (SM1xx); ``checks`` reports unresolved names.
Null counts as absent throughout.  Unknown keys are reported as warnings and stay in the document.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from .expressions import Reader, called, expression_meant, is_expression, kind_of
from .keys import (
    read_cache,
    read_dependencies,
    read_name,
    read_outputs,
    read_parameters,
    read_property_files,
    read_retries,
)
from .model import Comparison, ConditionNode, Get, JsonGet, Nest, Pipeline, Step
from .problems import MAX_PROBLEMS, Place, Problem, Severity, did_you_mean, misspelt, not_listed, place_text
from .step_types import AIRFLOW, KNOWN, SUPPORTED, VERDICT_BRANCHES, syntax_of, type_meant

VERSION = "2020-12-01"
AIRFLOW_KEYS = frozenset({"Description"})
TOP_KEYS = frozenset(
    {"Version", "Metadata", "Parameters", "PipelineExperimentConfig", "MlflowConfig", "Steps", "x-airflow"}
)
BLOCK_KEYS = {
    "PipelineExperimentConfig": frozenset({"ExperimentName", "TrialName"}),
    "MlflowConfig": frozenset({"MlflowResourceArn", "MlflowExperimentName"}),
}
COMMON_KEYS = frozenset(
    {
        "Name",
        "Type",
        "Arguments",
        "DependsOn",
        "DisplayName",
        "Description",
        "RetryPolicies",
        "CacheConfig",
        "PropertyFiles",
        "OutputParameters",
        "x-airflow",
    }
)
FLAGS = frozenset({"SkipCheck", "FailOnViolation", "RegisterNewBaseline"})
NESTED: tuple[Nest, ...] = ("IfSteps", "ElseSteps", "ForEachBody")
DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
MAX_DEPTH = 60  # Conditions within Conditions; each level costs several stack frames


@dataclass(slots=True)
class Parsed:
    """A parsed pipeline with the data that checks need: references by step index, problems so far, and comparisons."""

    pipeline: Pipeline
    references: list[tuple[int, Place, Get | JsonGet]]
    problems: list[Problem]
    comparisons: list[tuple[Place, Comparison]]


@dataclass(slots=True)
class Parser:
    """What reading one document has found so far.

    verdict_steps  {index of a step with a verdict in the steps: (the step, its place)}
    """

    written: Mapping[str, str]
    reader: Reader = field(default_factory=Reader)
    steps: list[Step] = field(default_factory=list)
    references: list[tuple[int, Place, Get | JsonGet]] = field(default_factory=list)
    verdict_steps: dict[int, tuple[Step, Place]] = field(default_factory=dict)

    def report(self, code: str, place: Place, what: str, fix: str = "", *, warn: bool = False) -> None:
        """Keep a problem."""
        self.reader.report(code, place, what, fix, warn=warn)

    def unknown_keys(
        self, value: Mapping[str, object], known: frozenset[str], place: Place, owner: str, *, ours: bool = False
    ) -> None:
        """Report keys that are not ``known``, as warnings unless they are ``ours``."""
        self.reader.unknown_keys(value, known, place, owner, ours=ours)

    # -- the document ------------------------------------------------------------------------------------------------

    def pipeline(self, document: Mapping[str, object], source: str) -> Pipeline:
        """The whole ``document``."""
        self.unknown_keys(document, TOP_KEYS, None, "a pipeline definition")
        version = document.get("Version")
        if version is not None and version != VERSION:
            known = f'Use "{VERSION}", the only version.'
            self.report(
                "SM124", (None, "Version"), f"{kind_of(version)} is not a version of the definition language.", known
            )
        parameters = read_parameters(self, document.get("Parameters"), self.written)
        if document.get("Steps") is None:
            self.report(
                "SM121", None, 'the definition has no "Steps".', misspelt("Steps", document) or 'Add "Steps": [...].'
            )
        self.nested(document.get("Steps"), (None, "Steps"), None, None, 0)
        if self.verdict_steps:  # few documents have one
            from .verdict_step import inherit

            inherit(self)
        experiment = self._block(document, "PipelineExperimentConfig")
        mlflow = self._block(document, "MlflowConfig")
        metadata: Any = document.get("Metadata")
        airflow: Any = document.get("x-airflow")
        if isinstance(airflow, Mapping):
            self.unknown_keys(airflow, AIRFLOW_KEYS, (None, "x-airflow"), '"x-airflow"')
        return Pipeline(
            parameters=parameters,
            steps=tuple(self.steps),
            metadata=metadata if self.reader.wanted(metadata, Mapping, (None, "Metadata"), "an object") else {},
            experiment=experiment,
            mlflow=mlflow,
            airflow=airflow if self.reader.wanted(airflow, Mapping, (None, "x-airflow"), "an object") else {},
            document=document,
            source=source,
        )

    def _block(self, document: Mapping[str, object], key: str) -> Mapping[str, Any] | None:
        block: Any = document.get(key)
        if not self.reader.wanted(block, Mapping, (None, key), "an object"):
            return None
        self.unknown_keys(block, BLOCK_KEYS[key], (None, key), key)
        before = len(self.reader.references)
        read = self.reader.value(block, (None, key))
        self._texts(block, (None, key))
        self.keep_references(-1, before)
        return read if isinstance(read, Mapping) else None

    def keep_references(self, step: int, before: int) -> tuple[Get | JsonGet, ...]:
        """Keep what was read since ``before`` as references of ``step``, an index or -1 for none; those references."""
        found = self.reader.references[before:]
        self.references.extend((step, place, reference) for place, reference in found)
        return tuple(reference for _, reference in found)

    # -- steps -------------------------------------------------------------------------------------------------------

    def nested(
        self, items: object, place: Place, parent: str | None, branch: Nest | None, depth: int
    ) -> tuple[str, ...]:
        """Add the steps in the list ``items``, those of a branch of ``parent`` if there is one; their names."""
        if not self.reader.wanted(items, list, place, "a list of steps"):
            return ()
        if depth > MAX_DEPTH:
            self.report("SM105", place, f"conditions are nested more than {MAX_DEPTH} deep.")
            return ()
        named = (self._step(item, (place, i), parent, branch, depth) for i, item in enumerate(items))
        return tuple(name for names in named for name in names)

    def _step(self, item: object, place: Place, parent: str | None, branch: Nest | None, depth: int) -> tuple[str, ...]:
        """Add the step; returns its name, and that of the condition generated after it, if any."""
        if not isinstance(item, Mapping):
            self.report("SM122", place, f"expected a step (an object), found {kind_of(item)}.")
            return ()
        name, kind = item.get("Name"), item.get("Type")
        named = read_name(self, item, place, "step")
        if not isinstance(kind, str):
            what = "has no Type" if kind is None else f"has {kind_of(kind)} as its Type"
            fix = misspelt("Type", item) or f"Use one of: {', '.join(sorted(KNOWN))}."
            self.report("SM121", place, f"{called(name)} {what}.", fix)
            return ()
        self._check_type(name, kind, (place, "Type"))
        if branch == "ForEachBody" and kind in KNOWN and not syntax_of(kind).in_body:
            what = f"{called(name)} has type {kind}, which is not allowed in the body of a ForEach step."
            self.report("SM212", (place, "Type"), what)
        if not named:
            return ()
        if kind in KNOWN:
            self.unknown_keys(
                item,
                COMMON_KEYS | syntax_of(kind).settings | syntax_of(kind).branches,
                place,
                f"{called(name)} ({kind})",
                ours=kind.startswith("x-"),
            )
        index = len(self.steps)
        self.steps.append(None)  # type: ignore[arg-type]  # reserves its place; nested steps come after it
        self.steps[index] = self._read_step(item, place, index, (parent, branch, depth))
        if kind not in VERDICT_BRANCHES:
            return (str(name),)
        from .verdict_step import read_verdict_step

        self.verdict_steps[index] = self.steps[index], place
        return (str(name), *read_verdict_step(self, item, place, self.steps[index], depth))

    def _read_step(
        self, item: Mapping[str, object], place: Place, index: int, nest: tuple[str | None, Nest | None, int]
    ) -> Step:
        name, kind = str(item["Name"]), str(item["Type"])
        syntax = syntax_of(kind)
        before = len(self.reader.references)
        arguments = self._arguments(item, name, kind, place)
        conditions: Any = ()
        if kind == "Condition":
            conditions = self._conditions(item, name, (place, "Arguments"))
            own: Any = {}
        else:
            flat = (
                {key: value for key, value in arguments.items() if key != "ForEachBody"}
                if kind == "ForEach"
                else arguments
            )
            own = self.reader.value(flat, (place, "Arguments"), free=not syntax.supported or syntax.free_arguments)
        settings = {
            key: self.reader.value(item[key], (place, key)) for key in syntax.settings if item.get(key) is not None
        }
        self._check_settings(name, kind, settings, place)
        if not syntax.setting_rules:
            self._texts({key: item[key] for key in settings if key not in syntax.object_settings}, place)
        for key in syntax.object_settings:
            self.reader.wanted(item.get(key), Mapping, (place, key), "an object")
        if kind == "Fail":
            self._texts(arguments, (place, "Arguments"))
        if kind == "ForEach":
            from .foreach_arguments import loop_arguments

            loop_arguments(self, name, arguments, (place, "Arguments"))
        if syntax.argument_rules:  # imported on demand: few documents have one
            from .arguments import step_arguments

            step_arguments(self, name, kind, arguments, (place, "Arguments"))
        references = self.keep_references(index, before)
        below = (place, "Arguments")
        nested = {
            key: self.nested(arguments.get(key), (below, key), name, key, nest[2] + 1)
            for key in NESTED
            if kind == ("ForEach" if key == "ForEachBody" else "Condition")
        }
        return Step(
            name=name,
            type=kind,
            arguments=own if isinstance(own, Mapping) else {},
            depends_on=read_dependencies(self, item.get("DependsOn"), (place, "DependsOn")),
            display_name=self._text(item, "DisplayName", place),
            description=self._text(item, "Description", place),
            property_files=read_property_files(self, item.get("PropertyFiles"), (place, "PropertyFiles")),
            output_parameters=read_outputs(self, item.get("OutputParameters"), (place, "OutputParameters")),
            cache=read_cache(self, item.get("CacheConfig"), (place, "CacheConfig")),
            retry_policies=read_retries(self, item.get("RetryPolicies"), (place, "RetryPolicies")),
            settings=settings,
            conditions=conditions,
            if_steps=nested.get("IfSteps", ()),
            else_steps=nested.get("ElseSteps", ()),
            body=nested.get("ForEachBody", ()),
            parent=nest[0],
            branch=nest[1],
            references=references,
            airflow=self._of_airflow(item.get("x-airflow"), (place, "x-airflow")),
            where=place_text(place),
        )

    def _texts(self, values: Mapping[str, object], place: Place) -> None:
        """Report lists, and objects other than expressions, in place of a string or boolean."""
        for key, value in values.items():
            if is_expression(value) or key in ("CheckType", "Operator"):
                continue
            flag = key in FLAGS
            fits = str(value).strip().lower() in ("true", "false") if flag else not isinstance(value, Mapping | list)
            if value is not None and not fits:
                what = f"expected {'true or false' if flag else 'a string'}, found {kind_of(value)}."
                self.report("SM122", (place, key), what, expression_meant(value))

    def _check_type(self, name: object, kind: str, place: Place) -> None:
        if kind in SUPPORTED or kind == AIRFLOW:
            return
        way_out = f'Use a step of type "{AIRFLOW}" with an Airflow operator instead.'
        if kind in KNOWN:
            since = syntax_of(kind).since
            what = f"{called(name)} has type {kind}, which this package cannot run"
            what += f": version {since} of the SageMaker SDK brought it." if since else "."
            self.report("SM301", place, what, way_out)
        else:
            meant = type_meant(kind)
            hint = f'Did you mean "{meant}"?' if meant else did_you_mean(kind, KNOWN)
            near = hint if hint.startswith("Did") else f"Supported types: {', '.join(sorted(SUPPORTED))}. {way_out}"
            self.report("SM302", place, f'{called(name)} has the unknown type "{kind}".', near)

    def _check_settings(self, name: str, kind: str, settings: Mapping[str, object], place: Place) -> None:
        syntax = syntax_of(kind)
        needed = syntax.needs
        if needed and needed not in settings:
            self.report("SM121", place, f'{called(name)} has no "{needed}".', f'Add "{needed}".')
        choices = syntax.choices
        if choices and settings.get(needed) not in (None, *choices):
            what = f"{kind_of(settings[needed])} is not a check of a {kind} step."
            self.report("SM122", (place, needed), what, f"Use one of: {', '.join(choices)}.")
        operator = settings.get("Operator")
        if operator is not None and not (isinstance(operator, str) and DOTTED.fullmatch(operator)):
            fix = "Write the dotted path of its class, e.g. airflow.providers.standard.operators.bash.BashOperator."
            self.report("SM122", (place, "Operator"), f"{kind_of(operator)} does not name an Airflow operator.", fix)

    def _arguments(self, item: Mapping[str, object], name: str, kind: str, place: Place) -> Mapping[str, Any]:
        arguments = item.get("Arguments")
        if arguments is None:
            if not (syntax_of(kind).free_arguments or syntax_of(kind).setting_rules):
                self.report("SM121", place, f'{called(name)} has no "Arguments".', 'Add "Arguments": {...}.')
            return {}
        if not self.reader.wanted(arguments, Mapping, (place, "Arguments"), "an object"):
            return {}
        known = syntax_of(kind).arguments
        if known is not None:
            owner = f"{called(name)} ({kind})"
            self.unknown_keys(arguments, known, (place, "Arguments"), owner, ours=kind.startswith("x-"))
        return arguments

    def _conditions(self, item: Mapping[str, object], name: str, place: Place) -> tuple[ConditionNode, ...]:
        arguments = item.get("Arguments")
        if not isinstance(arguments, Mapping):  # already reported
            return ()
        items = arguments.get("Conditions")
        if items is None:
            self.report("SM121", place, f'{called(name)} has no "Conditions".', 'Add "Conditions": [...].')
        elif items == []:
            what = f"{called(name)} has no conditions, which counts as true: IfSteps always run."
            self.report("SM140", (place, "Conditions"), what, "Add a condition.", warn=True)
        from .conditions import read_conditions

        return read_conditions(items, (place, "Conditions"), self.reader)

    def _text(self, item: Mapping[str, object], key: str, place: Place) -> str:
        value = item.get(key)
        return value if self.reader.wanted(value, str, (place, key), "a string") else ""

    def _of_airflow(self, value: object, place: Place) -> Mapping[str, Any]:
        block = self._object(value, place)
        for key in block:
            what = f'"x-airflow" of a step has no key "{key}"; it is ignored.'
            self.report(
                "SM120", (place, key), what, "Pass options to the step's operator with steps= of the DAG.", warn=True
            )
        return block

    def _object(self, value: object, place: Place) -> Mapping[str, Any]:
        return value if self.reader.wanted(value, Mapping, place, "an object") else {}


def parse(document: Mapping[str, object], source: str, written: Mapping[str, str] = MappingProxyType({})) -> Parsed:
    """The typed form of ``document``, with every problem of its shape.

    written   {place of a parameter's number: its text} for numbers whose text differs from how they print
    """
    parser = Parser(written)
    pipeline = parser.pipeline(document, source)
    problems = parser.reader.problems
    severities: tuple[Severity, ...] = ("error", "warning")
    problems += [not_listed(one) for one in severities if parser.reader.counts[one == "warning"] > MAX_PROBLEMS]
    return Parsed(pipeline, parser.references, problems, parser.reader.comparisons)
