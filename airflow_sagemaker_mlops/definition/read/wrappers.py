"""Definitions inside of something else, and what to do where that cannot be read.

An answer of DescribePipeline, a CloudFormation or CDK template, a manifest of the ACK controller, what ``terraform show
-json`` prints: each holds a definition as text or as an object, under a key of a known name.  One that is only complete
once somebody's tool has filled it in is refused with how to get it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..location import Place, place_text
from ..problems import InvalidPipeline, Problem

HOLDERS = frozenset(
    {
        "PipelineDefinition",
        "PipelineDefinitionBody",
        "pipelineDefinition",
        "pipelineDefinitionBody",
        "pipeline_definition",
    }
)
ELSEWHERE = frozenset(
    {"PipelineDefinitionS3Location", "pipelineDefinitionS3Location", "pipeline_definition_s3_location"}
)
_TERRAFORM = re.compile(r'resource\s+"aws_sagemaker_pipeline"|pipeline_definition\s*=|jsonencode\s*\(')
_DESCRIBE = (
    "Read the deployed pipeline: aws sagemaker describe-pipeline --pipeline-name {name} --query PipelineDefinition "
    "--output text > pipeline.json"
)
_SHOWN = 5


class CannotUnwrap(ValueError):
    """The definition is not in the document, or not complete; ``problem`` says what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.what)
        self.problem = problem


def unwrap(document: Mapping[str, Any]) -> tuple[Any, Place]:
    """The definition in ``document``, as text or object, and its place; ``document`` itself where nothing holds one.

    Raises :class:`CannotUnwrap`: SM161 for several definitions or none in a template, SM162 for one that another
    tool has to fill in first.
    """
    distinct: list[tuple[Place, Any]] = []
    for found in _holders(document):
        if len(distinct) <= _SHOWN and all(
            found[1] != other[1] for other in distinct
        ):  # a plan of Terraform repeats it
            distinct.append(found)
    if len(distinct) > 1:
        places = ", ".join(place_text(place) for place, _ in distinct[:_SHOWN])
        what = f"several definitions stand in it: {places}{' ...' if len(distinct) > _SHOWN else ''}."
        raise CannotUnwrap(
            Problem("SM161", place_text(distinct[1][0]), what, "Save the one that is meant in a file alone.")
        )
    if distinct:
        place, value = distinct[0]
        return _taken(value, place), place
    resources = document.get("Resources")
    if isinstance(resources, Mapping) and any("Type" in one for one in resources.values() if isinstance(one, Mapping)):
        what = 'this is a template of CloudFormation without a resource of the type "AWS::SageMaker::Pipeline".'
        raise CannotUnwrap(
            Problem("SM161", "$.Resources", what, "Give the template of the stack that makes the pipeline.")
        )
    return document, None


def one_of(documents: list[Any], name: str) -> int:
    """Which document of a YAML stream is, or holds, the definition.  Raises :class:`InvalidPipeline` (SM161)."""
    fit = [
        index
        for index, one in enumerate(documents)
        if isinstance(one, Mapping) and ("Steps" in one or next(_holders(one), None) is not None)
    ]
    if len(fit) == 1:
        return fit[0]
    how_many = "none of them is or holds" if not fit else f"{len(fit)} of them are or hold"
    what = f"the text has {len(documents)} YAML documents, and {how_many} a pipeline definition."
    raise InvalidPipeline(name, [Problem("SM161", "$", what, "Save the one that is meant in a file alone.", line=1)])


def terraform(text: str) -> Problem | None:
    """What to do with the text of a Terraform file, which is neither JSON nor YAML; ``None`` for any other text."""
    found = _TERRAFORM.search(text)
    if found is None:
        return None
    what = "this is Terraform's language, whose values only Terraform can fill in."
    fix = "After terraform apply, give what terraform show -json prints. " + _DESCRIBE.format(name="NAME")
    line = text.count("\n", 0, found.start()) + 1
    return Problem("SM162", "$", what, fix, line=line, column=found.start() - text.rfind("\n", 0, found.start()))


def _holders(document: Mapping[str, Any]) -> Iterator[tuple[Place, Any]]:
    """(place, value) of each definition in ``document``, in its order."""
    stack: list[tuple[Any, Place]] = [(document, None)]
    seen: set[int] = set()  # what an alias shows again is the same definition
    while stack:
        value, place = stack.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        below: list[tuple[Any, Place]] = []
        for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            here = (place, key)
            if _holds(key, item):
                yield here, item
            elif isinstance(item, Mapping | list):
                below.append((item, here))
        stack.extend(reversed(below))


def _holds(key: Any, value: Any) -> bool:
    """Whether ``value`` is the definition that ``key`` promises, and not one more thing around it."""
    if key in ELSEWHERE:
        return isinstance(value, Mapping)
    if key not in HOLDERS:
        return False
    if isinstance(value, Mapping):
        return not any(name in HOLDERS or name in ELSEWHERE for name in value)
    return isinstance(value, str) and bool(value.strip())


def _taken(value: Any, place: Place) -> Any:
    key = place[1] if place is not None else ""
    if key in ELSEWHERE:
        at = {str(name).lower(): one for name, one in value.items()}
        uri = f"s3://{at.get('bucket')}/{at.get('objectkey') or at.get('object_key') or at.get('key')}"
        what = f"the definition is not here but in S3, at {uri}."
        raise CannotUnwrap(Problem("SM162", place_text(place), what, f"Fetch it: aws s3 cp {uri} pipeline.json"))
    if isinstance(value, str):
        if key == "pipeline_definition" and re.search(r"(?<!\$)\$\{", value):
            raise CannotUnwrap(_to_fill_in("${...}", "Terraform", place))
        return value
    text = _constant(value)
    if text is not None:
        return text
    for inner, one in _functions(value, place):
        raise CannotUnwrap(_to_fill_in(one, "CloudFormation", inner))
    return value


def _constant(value: Mapping[str, Any]) -> str | None:
    """What a function of a template gives whatever the stack: a join of texts, a substitution of nothing."""
    match value:
        case {"Fn::Join": [str(separator), [*texts]]} if all(isinstance(text, str) for text in texts):
            return separator.join(texts)
        case {"Fn::Sub": str(text)} if "${" not in text:
            return text
        case {"Fn::ToJsonString": Mapping() as inner} if next(_functions(inner, None), None) is None:
            import json

            return json.dumps(inner)
        case _:
            return None


def _functions(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    """(place, name) of each function of CloudFormation in ``value``, each container once."""
    stack: list[tuple[Any, Place]] = [(value, place)]
    seen: set[int] = set()
    while stack:
        item, here = stack.pop()
        if not isinstance(item, Mapping | list) or id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, Mapping) and len(item) == 1:
            name = str(next(iter(item)))
            if name == "Ref" or name.startswith("Fn::"):
                yield here, name
                continue
        pairs = item.items() if isinstance(item, Mapping) else enumerate(item)
        stack.extend((one, (here, key)) for key, one in pairs)


def _to_fill_in(function: str, tool: str, place: Place) -> Problem:
    what = f"the definition is put together by {function}, which only {tool} can do."
    return Problem("SM162", place_text(place), what, _DESCRIBE.format(name="NAME"))
