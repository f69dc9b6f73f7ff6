"""Definitions inside other documents, and instructions where those cannot be read.

A DescribePipeline response, a CloudFormation or CDK template, a manifest of the ACK controller, and the output of
``terraform show -json`` contain a definition, as text or as an object, under a key with a known name.  A definition
that another tool has to complete first is refused, with instructions for getting the complete one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..problems import InvalidPipeline, Place, Problem, place_text

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
    """The document does not contain a complete definition; ``problem`` says what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.what)
        self.problem = problem


def unwrap(document: Mapping[str, object]) -> tuple[Any, Place]:
    """The definition in ``document``, as text or object, and its place; ``document`` itself if it contains none.

    Raises :class:`CannotUnwrap`: SM161 for several definitions, or for a template without one; SM162 for a definition
    that another tool has to complete.
    """
    distinct: list[tuple[Place, Any]] = []
    for found in _holders(document):
        if len(distinct) <= _SHOWN and all(found[1] != other[1] for other in distinct):  # a Terraform plan repeats it
            distinct.append(found)
    if len(distinct) > 1:
        places = ", ".join(place_text(place) for place, _ in distinct[:_SHOWN])
        what = f"the document contains several definitions: {places}{' ...' if len(distinct) > _SHOWN else ''}."
        raise CannotUnwrap(
            Problem("SM161", place_text(distinct[1][0]), what, "Save the one that you mean in a separate file.")
        )
    if distinct:
        place, value = distinct[0]
        return _taken(value, place), place
    resources = document.get("Resources")
    if isinstance(resources, Mapping) and any("Type" in one for one in resources.values() if isinstance(one, Mapping)):
        what = 'this is a CloudFormation template without a resource of type "AWS::SageMaker::Pipeline".'
        raise CannotUnwrap(
            Problem("SM161", "$.Resources", what, "Give the template of the stack that creates the pipeline.")
        )
    return document, None


def one_of(documents: list[Any], name: str) -> int:
    """The index of the YAML document that is or contains the definition.  Raises :class:`InvalidPipeline` (SM161)."""
    fit = [
        index
        for index, one in enumerate(documents)
        if isinstance(one, Mapping) and ("Steps" in one or next(_holders(one), None) is not None)
    ]
    if len(fit) == 1:
        return fit[0]
    how_many = "none of them is or contains" if not fit else f"{len(fit)} of them are or contain"
    what = f"the text has {len(documents)} YAML documents, and {how_many} a pipeline definition."
    raise InvalidPipeline(name, [Problem("SM161", "$", what, "Save the one that you mean in a separate file.", line=1)])


def terraform(text: str) -> Problem | None:
    """The problem for a Terraform file, which is neither JSON nor YAML; ``None`` for any other text."""
    found = _TERRAFORM.search(text)
    if found is None:
        return None
    what = "this is Terraform configuration, whose values only Terraform can compute."
    fix = "After terraform apply, give the output of terraform show -json. " + _DESCRIBE.format(name="NAME")
    line = text.count("\n", 0, found.start()) + 1
    return Problem("SM162", "$", what, fix, line=line, column=found.start() - text.rfind("\n", 0, found.start()))


def _holders(document: Mapping[str, object]) -> Iterator[tuple[Place, Any]]:
    """(place, value) of each definition in ``document``, in document order."""
    stack: list[tuple[Any, Place]] = [(document, None)]
    seen: set[int] = set()  # an alias repeats the same definition
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


def _holds(key: object, value: object) -> bool:
    """Whether ``value`` is the definition that ``key`` announces, and not another wrapper."""
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
        what = f"the definition is stored in S3, at {uri}."
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
    """The value of a template function that does not depend on the stack: a join of strings, a constant ``Fn::Sub``."""
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


def _functions(value: object, place: Place) -> Iterator[tuple[Place, str]]:
    """(place, name) of each CloudFormation function in ``value``; visits each container once."""
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
    what = f"the definition is built with {function}, which only {tool} can evaluate."
    return Problem("SM162", place_text(place), what, _DESCRIBE.format(name="NAME"))
