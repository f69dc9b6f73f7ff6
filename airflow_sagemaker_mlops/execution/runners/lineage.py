"""Lineage: creates actions, artifacts and contexts, then their associations.  Existing names are reused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...aws_errors import error_message
from ...definition.arguments import ENTITIES
from ..aws.calls import as_json, call
from ..exceptions import StepFailed
from ..request import fitted, resolved_arguments
from ..step_run import StepResult, StepRun, now
from .base import Runner
from .job import result_of

if TYPE_CHECKING:
    from ...json_types import AwsShape, JsonObject


class LineageRunner(Runner):
    """Creates lineage entities and associates them."""

    async def run(self, run: StepRun) -> StepResult:
        """Create the entities and associate them; ``ActionArns['name']`` and so on are the properties."""
        started = now()
        arguments = await resolved_arguments(run)
        arns: dict[tuple[str, str], str] = {}
        properties: dict[str, Any] = {}
        for member, (kind, name_key) in ENTITIES.items():
            for entity in arguments.get(member) or []:
                arn = await _entity(run, kind, name_key, await fitted(run, entity, f"Create{kind}"))
                name = str(entity.get(name_key) or "")
                arns[kind, name] = arn
                properties.setdefault(f"{kind}Arns", {})[name] = arn
                run.log(f"Create{kind}: {arn}")
        made = []
        for item in arguments.get("Associations") or []:
            ends = {
                "SourceArn": _end(run, item.get("Source"), arns),
                "DestinationArn": _end(run, item.get("Destination"), arns),
            }
            if item.get("AssociationType"):
                ends["AssociationType"] = item["AssociationType"]
            if ends["SourceArn"] == ends["DestinationArn"]:
                run.log(f"{ends['SourceArn']} is both ends of an association, so the association is skipped")
                continue
            await _associate(run, ends)
            made.append(ends)
        if made:
            properties["Associations"] = made
        return result_of(run, "", properties, started=started)


async def _entity(run: StepRun, kind: str, name_key: str, request: AwsShape) -> str:
    try:
        return str((await call(run.aws, "sagemaker", f"Create{kind}", **request))[f"{kind}Arn"])
    except Exception as error:
        if "already exist" not in error_message(error).lower():
            raise
    if kind == "Artifact":
        return await _artifact(run, request)
    return str((await call(run.aws, "sagemaker", f"Describe{kind}", **{name_key: request[name_key]}))[f"{kind}Arn"])


async def _artifact(run: StepRun, request: AwsShape) -> str:
    """The artifact of a source in AWS: "there can be only one artifact with a unique SourceUri", of any type.

    Source: SageMaker developer guide, "Lineage Tracking Entities".
    """
    source, type_ = request["Source"]["SourceUri"], request["ArtifactType"]
    order = {"SortBy": "CreationTime", "SortOrder": "Ascending"}
    answer = as_json(await call(run.aws, "sagemaker", "ListArtifacts", SourceUri=source, **order))
    found = answer.get("ArtifactSummaries") or []
    if not found:
        raise StepFailed(f'Step "{run.identity.step}": AWS says an artifact of {source} exists, but lists none.')
    same = next((row for row in found if row.get("ArtifactType") == type_), None)
    if same is None:
        run.log(f"{source} has an artifact of type {found[0].get('ArtifactType')}; it is used instead of a {type_}")
    return str((same or found[0])["ArtifactArn"])


def _end(run: StepRun, end: JsonObject | None, arns: dict[tuple[str, str], str]) -> str:
    """The ARN of one end of an association: given, or that of an entity created by this step."""
    if isinstance(end, dict) and end.get("Arn"):
        return str(end["Arn"])
    kind, name = str((end or {}).get("Type")), str((end or {}).get("Name"))
    if (kind, name) not in arns:
        what = f'an association names the {kind} "{name}", which the step does not create.'
        raise StepFailed(f'Step "{run.identity.step}": {what}')
    return arns[kind, name]


async def _associate(run: StepRun, members: AwsShape) -> None:
    try:
        await call(run.aws, "sagemaker", "AddAssociation", **members)
    except Exception as error:
        if "already exist" not in error_message(error).lower():
            raise
