"""The lineage graph: actions, artifacts, contexts and associations."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from ..errors import invalid
from ..store import NameTaken, Resource
from .context import Answer, Context, Handler, Request, in_order, page

ASSOCIATION = "association"


@dataclass(frozen=True, slots=True)
class Kind:
    """What differs between the three kinds of entity."""

    word: str

    @property
    def family(self) -> str:
        """Family in the store, and in ARNs."""
        return self.word.lower()

    @property
    def name_key(self) -> str:
        """Member that holds the name."""
        return f"{self.word}Name"

    @property
    def arn_key(self) -> str:
        """Member that holds the ARN."""
        return f"{self.word}Arn"


KINDS = (Kind("Action"), Kind("Artifact"), Kind("Context"))


def _key(kind: Kind, request: Request) -> str:
    """What makes an entity the same one: its name; for an artifact its source and type."""
    if kind.word != "Artifact":
        return str(request[kind.name_key])
    text = f"{request['Source']['SourceUri']}\0{request['ArtifactType']}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _create(kind: Kind) -> Handler:
    def create(context: Context, request: Request) -> Answer:
        key = _key(kind, request)
        arn = context.arn(f"{kind.family}/{key}")
        try:
            context.store.insert(kind.family, context.region, key, {"arn": arn, "request": dict(request)})
        except NameTaken:
            raise invalid(f"{kind.word} {arn} already exists.") from None
        context.keep_tags(arn, request)
        return {kind.arn_key: arn}

    return create


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
            source = request.get("SourceUri")
            if not source or (row.get("Source") or {}).get("SourceUri") == source:
                rows.append(row)
        keys = {"Name": kind.name_key, "CreationTime": "CreationTime"}
        return page(in_order(rows, request, keys, "CreationTime"), request, f"{kind.word}Summaries")

    return listing


def _delete(kind: Kind) -> Handler:
    def delete(context: Context, request: Request) -> Answer:
        wanted = str(request.get(kind.name_key) or request.get(kind.arn_key)).rpartition("/")[2]
        if not context.store.delete(kind.family, context.region, wanted):
            raise invalid(f"{kind.word} {wanted} does not exist.")
        return {kind.arn_key: context.arn(f"{kind.family}/{wanted}")}

    return delete


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
        if all(not request.get(key) or request[key] == row.get(key) for key in ("SourceArn", "DestinationArn")):
            rows.append(row)
    return page(rows, request, "AssociationSummaries")


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
    HANDLERS[f"Delete{_kind.word}"] = _delete(_kind)
