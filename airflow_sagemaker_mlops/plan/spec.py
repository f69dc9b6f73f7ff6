"""A step's slice of its definition: exactly what is needed to run the step.

The serialized DAG stores :meth:`StepSpec.to_json` of each step, and the step's trigger reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from ..definition.model import CacheConfig, OutputParameter, ParameterType, PropertyFile

if TYPE_CHECKING:
    from ..json_types import Json, JsonObject

Side = Literal["If", "Else"]
Scalar = str | int | float | bool
Outputs = tuple[str, ...] | Literal["all"]
Files = Mapping[str, Mapping[str, Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class ParameterSlot:
    """A pipeline parameter that a step references.

    type      as declared; "Any" for a param of a DAG without a definition
    default   ``None`` if a run must supply the value
    """

    type: ParameterType | Literal["Any"]
    default: Scalar | None = None


@dataclass(frozen=True, slots=True)
class BodyStep:
    """A step in the body of a ForEach step; ``after`` names the steps of the body that it waits for."""

    type: str
    spec: StepSpec
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepSpec:
    """The part of a definition that a running step needs, with expressions as written.

    arguments    ``Arguments`` without nested steps
    settings     the other step-level keys, as written and in the document's order: "FunctionArn", "PropertyFiles",
                 "RetryPolicies", "CacheConfig", ...; without Name, Type, DependsOn, DisplayName and Description
    branches     of a Condition: task ids of the direct steps of each branch
    body         of a ForEach, by name
    outputs      property paths that other steps reference, as text, sorted; "all" for the whole property document
    experiment   the pipeline's experiment configuration, for jobs that accept one; "default" for the SDK's usual names
    mlflow       the pipeline's MLflow configuration, likewise
    parameters   the pipeline parameters that it references, by name
    files        the property files it reads: {"<step>": {"<file>": {"OutputName": ..., "FilePath": ...}}}
    """

    arguments: JsonObject = field(default_factory=dict)
    settings: JsonObject = field(default_factory=dict)
    branches: Mapping[Side, Sequence[str]] = field(default_factory=dict)
    body: Mapping[str, BodyStep] = field(default_factory=dict)
    outputs: Outputs = ()
    experiment: JsonObject | Literal["default"] | None = None
    mlflow: JsonObject = field(default_factory=dict)
    parameters: Mapping[str, ParameterSlot] = field(default_factory=dict)
    files: Files = field(default_factory=dict)

    @property
    def property_files(self) -> tuple[PropertyFile, ...]:
        """The property files that the step declares."""
        rows = _rows(self.settings.get("PropertyFiles"))
        return tuple(
            PropertyFile(str(row["PropertyFileName"]), str(row["OutputName"]), str(row["FilePath"])) for row in rows
        )

    @property
    def output_parameters(self) -> tuple[OutputParameter, ...]:
        """The outputs that a Lambda or Callback step declares."""
        rows = _rows(self.settings.get("OutputParameters"))
        return tuple(OutputParameter(str(row["OutputName"]), _type_of(row.get("OutputType"))) for row in rows)

    @property
    def retry_policies(self) -> tuple[JsonObject, ...]:
        """``RetryPolicies``, as written."""
        return tuple(_rows(self.settings.get("RetryPolicies")))

    @property
    def cache(self) -> CacheConfig:
        """``CacheConfig``; off if there is none."""
        config = self.settings.get("CacheConfig")
        if not isinstance(config, Mapping):
            return CacheConfig(enabled=False, expire_after=None)
        expire_after = config.get("ExpireAfter")
        return CacheConfig(config.get("Enabled") is True, expire_after if isinstance(expire_after, str) else None)

    @property
    def operator(self) -> str:
        """The dotted path of an ``x-airflow`` step's operator."""
        return str(self.settings.get("Operator"))

    @property
    def all_parameters(self) -> Iterator[tuple[str, ParameterSlot]]:
        """The parameters of the step and of the steps in its body; names may repeat."""
        yield from self.parameters.items()
        for step in self.body.values():
            yield from step.spec.all_parameters

    def with_defaults(self, defaults: Mapping[str, Scalar | None]) -> StepSpec:
        """A copy with other ``defaults`` of parameters, by name."""
        slots = {
            name: replace(slot, default=defaults[name]) if name in defaults else slot
            for name, slot in self.parameters.items()
        }
        body = {name: replace(step, spec=step.spec.with_defaults(defaults)) for name, step in self.body.items()}
        return replace(self, parameters=slots, body=body)

    def to_json(self) -> dict[str, Json]:
        """Plain JSON with the keys of a document, without empty values."""
        data: dict[str, Json] = {"Arguments": self.arguments} if self.arguments else {}
        data |= self.settings
        if self.branches:
            data["Branches"] = {side: list(names) for side, names in self.branches.items()}
        if self.body:
            data["Body"] = {name: _body_json(step) for name, step in self.body.items()}
        if self.outputs:
            data["Outputs"] = "all" if self.outputs == "all" else list(self.outputs)
        if self.experiment:
            data["Experiment"] = self.experiment
        if self.mlflow:
            data["Mlflow"] = self.mlflow
        if self.parameters:
            data["Parameters"] = {name: _slot_json(slot) for name, slot in self.parameters.items()}
        if self.files:
            data["Files"] = self.files
        return data

    @classmethod
    def from_json(cls, data: JsonObject) -> StepSpec:
        """The inverse of :meth:`to_json`; unknown keys are settings."""
        experiment = data.get("Experiment")
        return cls(
            arguments=_object(data.get("Arguments")),
            settings={key: value for key, value in data.items() if key not in _OWN_KEYS},
            branches=_branches(_object(data.get("Branches"))),
            body={name: _body_step(_object(step)) for name, step in _object(data.get("Body")).items()},
            outputs=_outputs(data.get("Outputs")),
            experiment="default" if experiment == "default" else _object(experiment) or None,
            mlflow=_object(data.get("Mlflow")),
            parameters={name: _slot(_object(slot)) for name, slot in _object(data.get("Parameters")).items()},
            files={
                step: {name: _texts(place) for name, place in _object(files).items()}
                for step, files in _object(data.get("Files")).items()
            },
        )


NO_SPEC = StepSpec()
_OWN_KEYS = frozenset(
    {"Arguments", "Branches", "Body", "Outputs", "Experiment", "Mlflow", "Parameters", "Files"},
)
_SIDES: tuple[Side, ...] = ("If", "Else")


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, Mapping) else {}


def _rows(value: Json) -> Iterator[JsonObject]:
    if isinstance(value, list | tuple):
        yield from (row for row in value if isinstance(row, Mapping))


def _texts(value: Json) -> dict[str, str]:
    return {key: str(text) for key, text in _object(value).items()}


def _names(value: Json) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()


def _branches(value: JsonObject) -> dict[Side, Sequence[str]]:
    return {side: list(_names(value[side])) for side in _SIDES if side in value}


def _outputs(value: Json) -> Outputs:
    if isinstance(value, str):
        return "all" if value == "all" else (value,)
    return _names(value)


def _type_of(value: Json) -> ParameterType:
    match value:
        case "Integer" | "Float" | "Boolean":
            return value
        case _:
            return "String"


def _slot(data: JsonObject) -> ParameterSlot:
    default = data.get("DefaultValue")
    kind = data.get("Type")
    return ParameterSlot("Any" if kind == "Any" else _type_of(kind), default if isinstance(default, Scalar) else None)


def _slot_json(slot: ParameterSlot) -> dict[str, Json]:
    return {"Type": slot.type} if slot.default is None else {"Type": slot.type, "DefaultValue": slot.default}


def _body_step(data: JsonObject) -> BodyStep:
    spec = {key: value for key, value in data.items() if key not in ("Type", "After")}
    return BodyStep(str(data.get("Type")), StepSpec.from_json(spec), _names(data.get("After")))


def _body_json(step: BodyStep) -> dict[str, Json]:
    after: dict[str, Json] = {"After": list(step.after)} if step.after else {}
    return {"Type": step.type, **step.spec.to_json(), **after}
