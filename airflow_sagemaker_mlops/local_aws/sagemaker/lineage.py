"""The lineage graph: actions, artifacts, contexts and associations; ``lineage_query`` walks it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import invalid
from ..store import NameTaken, Resource
from . import trial_components
from .context import (
    Answer,
    Context,
    Handler,
    Request,
    created_between,
    page,
    sorted_rows,
    tags_of,
)
from .kinds import Kind

ASSOCIATION = "association"


KINDS = (Kind("Action", "action"), Kind("Artifact", "artifact"), Kind("Context", "context"))


def _key(kind: Kind, request: Request) -> str:
    """The identity of an entity: its name; for an artifact, its SourceUri, which AWS allows only once."""
    if kind.word != "Artifact":
        return str(request[kind.name_key])
    return hashlib.sha256(str(request["Source"]["SourceUri"]).encode()).hexdigest()[:32]


def _create(kind: Kind) -> Handler:
    def create(context: Context, request: Request) -> Answer:
        key = _key(kind, request)
        arn = context.arn(f"{kind.family}/{key}")
        try:
            body = {"arn": arn, "request": dict(request)}
            context.store.insert(kind.family, context.region, key, body, tags_of(request))
        except NameTaken:
            raise invalid(f"{kind.word} {arn} already exists.") from None
        return {kind.arn_key: arn}

    return create


def _update(kind: Kind) -> Handler:
    def update(context: Context, request: Request) -> Answer:
        wanted = str(request.get(kind.name_key if kind.word != "Artifact" else kind.arn_key)).rpartition("/")[2]
        found = context.store.get(kind.family, context.region, wanted)
        if found is None:
            raise invalid(f"{kind.word} {wanted} does not exist.")
        before = found.body["request"]
        removed = request.get("PropertiesToRemove") or ()
        properties = {**(before.get("Properties") or {}), **(request.get("Properties") or {})}
        changed = {key: value for key, value in request.items() if key not in ("PropertiesToRemove", kind.arn_key)}
        remaining = {name: value for name, value in properties.items() if name not in removed}
        context.store.update(
            kind.family, context.region, found.name, request={**before, **changed, "Properties": remaining}
        )
        return {kind.arn_key: found.body["arn"]}

    return update


def _row(kind: Kind, found: Resource) -> Answer:
    times = {"CreationTime": found.created, "LastModifiedTime": found.modified}
    return {**found.body["request"], kind.arn_key: found.body["arn"], **times}


def _describe(kind: Kind) -> Handler:
    def describe(context: Context, request: Request) -> Answer:
        wanted = str(request.get(kind.name_key) or request.get(kind.arn_key)).rpartition("/")[2]
        found = context.store.get(kind.family, context.region, wanted)
        if found is None:
            raise invalid(f"{kind.word} {wanted} does not exist.")
        return _row(kind, found)

    return describe


def _list(kind: Kind) -> Handler:
    def listing(context: Context, request: Request) -> Answer:
        rows = []
        for found in context.store.all(kind.family, context.region):
            row = _row(kind, found)
            source, type_ = request.get("SourceUri"), request.get(f"{kind.word}Type")
            if source and (row.get("Source") or {}).get("SourceUri") != source:
                continue
            if (not type_ or row.get(f"{kind.word}Type") == type_) and created_between(request, found.created):
                rows.append(row)
        keys = {"Name": kind.name_key, "CreationTime": "CreationTime"}
        return page(sorted_rows(rows, request, keys, "CreationTime"), request, f"{kind.word}Summaries")

    return listing


def _delete(kind: Kind) -> Handler:
    def delete(context: Context, request: Request) -> Answer:
        wanted = str(request.get(kind.name_key) or request.get(kind.arn_key)).rpartition("/")[2]
        if not context.store.delete(kind.family, context.region, wanted):
            raise invalid(f"{kind.word} {wanted} does not exist.")
        return {kind.arn_key: context.arn(f"{kind.family}/{wanted}")}

    return delete


@dataclass(frozen=True, slots=True)
class Entity:
    """An end of an association, as graphs show it; ``kind`` is Artifact, Action, Context or TrialComponent."""

    arn: str
    kind: str
    type: str = ""
    name: str | None = None
    created: float = 0.0
    modified: float = 0.0
    properties: Mapping[str, str] = field(default_factory=dict)


def entity_of(context: Context, arn: str) -> Entity:
    """The entity ``arn``; if it does not exist, an :class:`Entity` with little more than its kind."""
    family, _, name = arn.rpartition(":")[2].partition("/")
    if family == "experiment-trial-component":
        job_component = trial_components.component_with_arn(context, arn)
        if job_component is None:
            return Entity(arn, "TrialComponent", name=name)
        return Entity(
            arn, "TrialComponent", job_component.type, name, job_component.job.created, job_component.job.modified
        )
    kind = next((kind for kind in KINDS if kind.family == family), None)
    found = context.store.get(family, context.region, name) if kind is not None else None
    if kind is None or found is None:
        return Entity(arn, kind.word if kind is not None else "Context")
    request = found.body["request"]
    return Entity(
        arn,
        kind.word,
        str(request.get(f"{kind.word}Type", "")),
        request.get(kind.name_key),
        found.created,
        found.modified,
        request.get("Properties") or {},
    )


def _associate(context: Context, request: Request) -> Answer:
    source, target = str(request["SourceArn"]), str(request["DestinationArn"])
    try:
        context.store.insert(ASSOCIATION, context.region, f"{source}|{target}", {"request": dict(request)})
    except NameTaken:
        raise invalid(f"The association from {source} to {target} already exists.") from None
    return {"SourceArn": source, "DestinationArn": target}


def _associations(context: Context, request: Request) -> Answer:
    rows = []
    for found in context.store.all(ASSOCIATION, context.region):
        row = {**found.body["request"], "CreationTime": found.created}
        if any(request.get(key) and request[key] != row[key] for key in ("SourceArn", "DestinationArn")):
            continue
        for end in ("Source", "Destination"):
            entity = entity_of(context, row[f"{end}Arn"])
            row |= {f"{end}Type": entity.type, f"{end}Name": entity.name}
        wanted = ("SourceType", "DestinationType", "AssociationType")
        alike = all(not request.get(key) or request[key] == row.get(key) for key in wanted)
        if alike and created_between(request, found.created):
            rows.append(row)
    keys = {key: key for key in ("SourceArn", "DestinationArn", "SourceType", "DestinationType", "CreationTime")}
    return page(sorted_rows(rows, request, keys, "CreationTime"), request, "AssociationSummaries")


def _dissociate(context: Context, request: Request) -> Answer:
    source, target = str(request["SourceArn"]), str(request["DestinationArn"])
    if not context.store.delete(ASSOCIATION, context.region, f"{source}|{target}"):
        raise invalid(f"There is no association from {source} to {target}.")
    return {"SourceArn": source, "DestinationArn": target}


HANDLERS: dict[str, Handler] = {
    "AddAssociation": _associate,
    "ListAssociations": _associations,
    "DeleteAssociation": _dissociate,
}
for _kind in KINDS:
    HANDLERS[f"Create{_kind.word}"] = _create(_kind)
    HANDLERS[f"Describe{_kind.word}"] = _describe(_kind)
    HANDLERS[f"List{_kind.word}s"] = _list(_kind)
    HANDLERS[f"Update{_kind.word}"] = _update(_kind)
    HANDLERS[f"Delete{_kind.word}"] = _delete(_kind)
