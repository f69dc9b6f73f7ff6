"""The typed form of a pipeline definition: :mod:`.parse` creates it, and everything else reads it.

All classes are frozen.  Values of the document stay as written, except expressions, which become instances of the
classes below; so ``arguments`` is plain JSON with :data:`Expression` objects as leaves.
Names of AWS members keep their AWS spelling as strings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

ParameterType = Literal["String", "Integer", "Float", "Boolean"]
Nest = Literal["IfSteps", "ElseSteps", "ForEachBody"]  # a list of steps inside a step
Trigger = Literal["Completed", "Failed", "Stopped", "Any"]


@dataclass(frozen=True, slots=True)
class Key:
    """``['name']`` in a path: a key of a map, or the name of a list item."""

    name: str


PathPart = str | int | Key  # member, [index], ['key']


@dataclass(frozen=True, slots=True)
class Get:
    """``{"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}``.

    root   "Parameters", "Execution", "Steps", "ForEach", "IterationOutput", "PipelineExperimentConfig"
    name   the part after the root: parameter, variable or step name; "CurrentItem" for ForEach
    path   the rest, tokenised: ``("ModelArtifacts", "S3ModelArtifacts")``, ``("Outputs", Key("train"), "S3Uri")``
    text   as written
    """

    root: str
    name: str
    path: tuple[PathPart, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Join:
    """``{"Std:Join": {"On": "/", "Values": [...]}}``; the result is always a string."""

    on: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class JsonGet:
    """``{"Std:JsonGet": {...}}``: one value from a JSON file that a step wrote.

    Either ``step`` and ``property_file`` are set (the ``PropertyFile`` form), or ``s3_uri`` (a string or expression).
    path   tokenised ``Path``; ``path_text`` as written
    """

    step: str | None
    property_file: str | None
    s3_uri: Any
    path: tuple[PathPart, ...]
    path_text: str


Expression = Get | Join | JsonGet


@dataclass(frozen=True, slots=True)
class Comparison:
    """A binary condition; ``op`` is the ``Type`` as written (Equals, NotEquals, GreaterThan, ...)."""

    op: str
    left: Any
    right: Any


@dataclass(frozen=True, slots=True)
class Membership:
    """``In`` or ``NotIn``, in either spelling of its keys."""

    op: Literal["In", "NotIn"]
    query: Any
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """``Not``."""

    condition: ConditionNode


@dataclass(frozen=True, slots=True)
class Disjunction:
    """``Or``."""

    conditions: tuple[ConditionNode, ...]


ConditionNode = Comparison | Membership | Negation | Disjunction


@dataclass(frozen=True, slots=True)
class Parameter:
    """One entry of ``Parameters``.  ``default`` is ``None`` if a run must supply the value."""

    name: str
    type: ParameterType
    default: str | int | float | bool | None
    enum: tuple[str | int | float | bool, ...]
    description: str
    where: str


@dataclass(frozen=True, slots=True)
class Dependency:
    """One entry of ``DependsOn``."""

    step: str
    trigger: Trigger
    where: str


@dataclass(frozen=True, slots=True)
class PropertyFile:
    """One entry of ``PropertyFiles``: the file ``path`` inside the processing output ``output``."""

    name: str
    output: str
    path: str


@dataclass(frozen=True, slots=True)
class OutputParameter:
    """One entry of ``OutputParameters`` of a Lambda or Callback step."""

    name: str
    type: ParameterType


@dataclass(frozen=True, slots=True)
class CacheConfig:
    """``CacheConfig``; ``expire_after`` as written."""

    enabled: bool
    expire_after: str | None


@dataclass(frozen=True)
class Step:
    """One entry of ``Steps`` or of a branch.

    name            unique in the whole document, branches included
    type            as written: "Processing", "Training", "Condition", ...
    arguments       the job request with expressions as objects; for a Condition without ``Conditions`` and branches
    depends_on      explicit edges only; data edges are derived in ``plan``
    settings        the remaining step-level keys of this type (``FunctionArn``, ``CheckType``...), expressions parsed
    conditions      Condition steps: the entries of ``Conditions`` (all must hold)
    if_steps, else_steps   names of the *direct* steps of the two branches
    body            ForEach steps: names of the steps that run once per item
    parent          the Condition or ForEach step it is nested in, with ``branch`` "IfSteps", "ElseSteps", "ForEachBody"
    references      every Get and JsonGet of the step itself (not of nested steps), including those inside joins
    airflow         the step's ``x-airflow`` block
    where           document path, e.g. ``$.Steps[3]``
    """

    name: str
    type: str
    arguments: Mapping[str, Any]
    depends_on: tuple[Dependency, ...] = ()
    display_name: str = ""
    description: str = ""
    property_files: tuple[PropertyFile, ...] = ()
    output_parameters: tuple[OutputParameter, ...] = ()
    cache: CacheConfig | None = None
    retry_policies: tuple[Mapping[str, Any], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    conditions: tuple[ConditionNode, ...] = ()
    if_steps: tuple[str, ...] = ()
    else_steps: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    parent: str | None = None
    branch: Nest | None = None
    references: tuple[Get | JsonGet, ...] = ()
    airflow: Mapping[str, Any] = field(default_factory=dict)
    where: str = "$"

    # Each reference to a step looks these up, so they are computed once.

    @cached_property
    def file_names(self) -> frozenset[str]:
        """Names of its property files."""
        return frozenset(file.name for file in self.property_files)

    @cached_property
    def declared_outputs(self) -> Mapping[str, OutputParameter]:
        """Its output parameters by name; the first of two with the same name."""
        return {output.name: output for output in reversed(self.output_parameters)}

    @cached_property
    def body_names(self) -> frozenset[str]:
        """Names of the steps in its body."""
        return frozenset(self.body)

    @cached_property
    def selected(self) -> tuple[str, ...]:
        """Steps of its body that its Selector reads."""
        read = (one.name for one in self.references if isinstance(one, Get) and one.root == "IterationOutput")
        return tuple(dict.fromkeys(read))


@dataclass(frozen=True, slots=True)
class Clash:
    """Two steps that never both run because of ``condition``; ``first`` may be the step itself."""

    condition: str
    first: str
    branch: str
    second: str
    other: str


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A whole definition, read and parsed.

    steps      every step of the document in document order, nested ones directly after their parent
    document   the definition as plain JSON (printed by ``to-json`` and hashed), including ``x-airflow``
    source     the user's name for the document: a file name, or "definition"
    warnings   problems that do not prevent a run (unknown keys...)
    """

    parameters: tuple[Parameter, ...]
    steps: tuple[Step, ...]
    metadata: Mapping[str, Any]
    experiment: Mapping[str, Any] | None
    mlflow: Mapping[str, Any] | None
    airflow: Mapping[str, Any]
    document: Mapping[str, Any]
    source: str
    warnings: tuple[Any, ...] = ()

    @property
    def by_name(self) -> dict[str, Step]:
        """Steps by name."""
        return {step.name: step for step in self.steps}

    @property
    def parameters_by_name(self) -> dict[str, Parameter]:
        """Parameters by name."""
        return {parameter.name: parameter for parameter in self.parameters}


def walk_expressions(value: object) -> Iterator[Expression]:
    """Every expression inside ``value`` (arguments, conditions, a join's own values), outermost first."""
    stack = [value]
    while stack:
        item = stack.pop()
        match item:
            case Get():
                yield item
            case Join():
                yield item
                stack.extend(reversed(item.values))
            case JsonGet():
                yield item
                if item.s3_uri is not None:
                    stack.append(item.s3_uri)
            case Comparison():
                stack.extend((item.right, item.left))
            case Membership():
                stack.extend(reversed(item.values))
                stack.append(item.query)
            case Negation():
                stack.append(item.condition)
            case Disjunction():
                stack.extend(reversed(item.conditions))
            case Mapping():
                stack.extend(reversed(list(item.values())))
            case list() | tuple():
                stack.extend(reversed(item))
            case _:
                continue
