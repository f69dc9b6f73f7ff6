"""The feature store: feature groups, and the online store with the latest record of every identifier.

There is no offline store: creating a group with one fails.  The store holds a record under its identifier with its
event time; an older record does not replace a newer one, as on AWS.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ...json_types import AwsShape
from ..errors import AwsError, invalid
from ..store import NameTaken, Resource
from .context import (
    Answer,
    Context,
    Handler,
    Request,
    page,
    passes_filters,
    sorted_rows,
    tags_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection

GROUP, RECORD = "feature-group", "feature-record"
TYPES = {"Integral": int, "Fractional": float, "String": str}
SECONDS = {"Seconds": 1, "Minutes": 60, "Hours": 3600, "Days": 86400, "Weeks": 604800}
_WRITING = threading.Lock()  # of two records with one identifier, the later event wins, in whichever order they arrive


def _create(context: Context, request: Request) -> Answer:
    name = str(request["FeatureGroupName"])
    if request.get("OfflineStoreConfig"):
        message = "the embedded AWS has no offline store and would write nothing to it"
        raise AwsError(
            "NotImplementedException",
            f"sagemaker: CreateFeatureGroup: {message}. Omit OfflineStoreConfig (SDK: s3_uri=False).",
            501,
        )
    if not (request.get("OnlineStoreConfig") or {}).get("EnableOnlineStore"):
        raise invalid("Either OnlineStoreConfig with EnableOnlineStore or OfflineStoreConfig is required.")
    defined = {row["FeatureName"]: row["FeatureType"] for row in request["FeatureDefinitions"]}
    for key in ("RecordIdentifierFeatureName", "EventTimeFeatureName"):
        if request[key] not in defined:
            raise invalid(f"{key} {request[key]} is not among the FeatureDefinitions.")
    if defined[request["EventTimeFeatureName"]] == "Integral":
        raise invalid("The event time feature must be of type String or Fractional.")
    arn = context.arn(f"feature-group/{name.lower()}")
    try:
        context.store.insert(
            GROUP, context.region, name, {"arn": arn, "request": _without_tags(request)}, tags_of(request)
        )
    except NameTaken:
        raise AwsError(
            "ResourceInUse", f"Resource Already Exists: FeatureGroup with name {name} already exists."
        ) from None
    return {"FeatureGroupArn": arn}


def _without_tags(request: Request) -> Answer:
    return {key: value for key, value in request.items() if key != "Tags"}


def _group(context: Context, name: object) -> Resource:
    text = str(name)
    for found in context.store.all(GROUP, context.region):
        if text in (found.name, found.body["arn"]):
            return found
    raise AwsError(
        "ResourceNotFound", f"Resource Not Found: Amazon SageMaker can't find a FeatureGroup with name {text}", 404
    )


def _describe(context: Context, request: Request) -> Answer:
    found = _group(context, request["FeatureGroupName"])
    return {
        **found.body["request"],
        "FeatureGroupArn": found.body["arn"],
        "FeatureGroupStatus": "Created",
        "CreationTime": found.created,
        "LastModifiedTime": found.modified,
        "OnlineStoreTotalSizeBytes": 0,
    }


def _update(context: Context, request: Request) -> Answer:
    found = _group(context, request["FeatureGroupName"])
    before = found.body["request"]
    names = {row["FeatureName"] for row in before["FeatureDefinitions"]}
    added = list(request.get("FeatureAdditions") or [])
    for row in added:
        if row["FeatureName"] in names:
            raise invalid(f"The feature {row['FeatureName']} already exists in {found.name}.")
    changed = {**before, "FeatureDefinitions": [*before["FeatureDefinitions"], *added]}
    online = request.get("OnlineStoreConfig")
    if online:
        changed["OnlineStoreConfig"] = {**(before.get("OnlineStoreConfig") or {}), **online}
    context.store.update(GROUP, context.region, found.name, request=changed)
    return {"FeatureGroupArn": found.body["arn"]}


def _delete(context: Context, request: Request) -> Answer:
    found = _group(context, request["FeatureGroupName"])
    with _WRITING:
        context.store.delete(GROUP, context.region, found.name)
        for row in context.store.all(_records(found), context.region):
            context.store.delete(_records(found), context.region, row.name)
    return {}


def _list(context: Context, request: Request) -> Answer:
    if request.get("OfflineStoreStatusEquals"):
        return {"FeatureGroupSummaries": []}  # no group has an offline store
    adapted = {**request, "StatusEquals": request.get("FeatureGroupStatusEquals")}
    rows = [
        {
            "FeatureGroupName": found.name,
            "FeatureGroupArn": found.body["arn"],
            "CreationTime": found.created,
            "FeatureGroupStatus": "Created",
        }
        for found in context.store.all(GROUP, context.region)
        if passes_filters(adapted, found.name, "Created", found.created, found.modified)
    ]
    keys = {
        "Name": "FeatureGroupName",
        "FeatureGroupStatus": "FeatureGroupStatus",
        "CreationTime": "CreationTime",
        "OfflineStoreStatus": "OfflineStoreStatus",
    }
    return page(sorted_rows(rows, request, keys, "CreationTime"), request, "FeatureGroupSummaries")


# -- records


def _records(group: Resource) -> str:
    """The family of a group's records in the store; deleting the group deletes them."""
    return f"{RECORD}/{group.name}"


def _moment(text: str) -> float:
    """An event time, given in epoch seconds or ISO 8601, as epoch seconds.  Raises ``ValidationException``."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(f"The event time {text!r} is neither seconds since 1970 nor ISO 8601.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _checked(group: Resource, record: list[Mapping[str, Any]]) -> dict[str, Any]:
    """{feature: value}.  Raises ``ValidationException`` for a record that does not match the feature definitions."""
    request = group.body["request"]
    defined = {row["FeatureName"]: row for row in request["FeatureDefinitions"]}
    given: dict[str, Any] = {}
    for item in record:
        name = str(item["FeatureName"])
        if name not in defined:
            raise invalid(f"Validation Error: {name} is not a feature of {group.name}.")
        if name in given:
            raise invalid(f"Validation Error: the record contains the feature {name} twice.")
        many = item.get("ValueAsStringList")
        if (many is not None) is not bool(defined[name].get("CollectionType")):
            how = "ValueAsStringList" if defined[name].get("CollectionType") else "ValueAsString"
            raise invalid(f"Validation Error: the feature {name} takes {how}.")
        for text in many if many is not None else [item.get("ValueAsString")]:
            try:
                TYPES[defined[name]["FeatureType"]](text)
            except (TypeError, ValueError):
                raise invalid(f"Validation Error: {text!r} of {name} is not {defined[name]['FeatureType']}.") from None
        given[name] = many if many is not None else item["ValueAsString"]
    for key in ("RecordIdentifierFeatureName", "EventTimeFeatureName"):
        if given.get(request[key]) in (None, ""):
            raise invalid(f"Validation Error: the record has no {request[key]}.")
    return given


def put_record(context: Context, request: Request) -> Answer:
    """PutRecord."""
    group = _group(context, request["FeatureGroupName"])
    if set(request.get("TargetStores") or ["OnlineStore"]) != {"OnlineStore"}:
        raise invalid(f"{group.name} has no offline store.")
    given, definition = _checked(group, list(request["Record"])), group.body["request"]
    event = str(given[definition["EventTimeFeatureName"]])
    moment = _moment(event)
    ttl = request.get("TtlDuration") or (definition.get("OnlineStoreConfig") or {}).get("TtlDuration")
    expires = moment + float(ttl["Value"]) * SECONDS[ttl["Unit"]] if ttl else None
    body = {"record": given, "event": event, "expires": expires, "deleted": False}
    _save_if_newer(context, group, str(given[definition["RecordIdentifierFeatureName"]]), body)
    return {}


def _save_if_newer(context: Context, group: Resource, identifier: str, body: AwsShape) -> None:
    family = _records(group)
    with _WRITING:
        before = context.store.get(family, context.region, identifier)
        if before is None:
            context.store.insert(family, context.region, identifier, body)
        elif _moment(before.body["event"]) <= _moment(str(body["event"])):
            context.store.update(family, context.region, identifier, **body)


def _record(
    context: Context, group: Resource, identifier: str, names: Collection[str]
) -> tuple[list[Answer], float | None] | None:
    found = context.store.get(_records(group), context.region, identifier)
    if found is None or found.body["deleted"] or (found.body["expires"] or float("inf")) < time.time():
        return None
    return [
        _value(name, value) for name, value in found.body["record"].items() if not names or name in names
    ], found.body["expires"]


def _value(name: str, value: object) -> Answer:
    return {"FeatureName": name, "ValueAsStringList" if isinstance(value, list) else "ValueAsString": value}


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def get_record(context: Context, request: Request) -> Answer:
    """GetRecord; the answer for a missing record has no ``Record``."""
    group = _group(context, request["FeatureGroupName"])
    names = set(request.get("FeatureNames") or ())
    unknown = names - {row["FeatureName"] for row in group.body["request"]["FeatureDefinitions"]}
    if unknown:
        raise invalid(f"Validation Error: {', '.join(sorted(unknown))} is not a feature of {group.name}.")
    found = _record(context, group, str(request["RecordIdentifierValueAsString"]), names)
    if found is None:
        return {}
    record, expires = found
    with_expiry = request.get("ExpirationTimeResponse") == "Enabled" and expires is not None
    return {"Record": record, **({"ExpiresAt": _iso(expires)} if with_expiry and expires is not None else {})}


def batch_get_record(context: Context, request: Request) -> Answer:
    """BatchGetRecord."""
    records: list[Answer] = []
    errors: list[Answer] = []
    for item in request["Identifiers"]:
        name, identifiers = item["FeatureGroupName"], item["RecordIdentifiersValueAsString"]
        for identifier in identifiers:
            adapted = {**item, "RecordIdentifierValueAsString": identifier}
            adapted["ExpirationTimeResponse"] = request.get("ExpirationTimeResponse")
            try:
                found = get_record(context, adapted)
            except AwsError as error:
                of = {"FeatureGroupName": name, "RecordIdentifierValueAsString": identifier}
                errors.append({**of, "ErrorCode": error.code, "ErrorMessage": error.message})
                continue
            if found:
                records.append({"FeatureGroupName": name, "RecordIdentifierValueAsString": identifier, **found})
    return {"Records": records, "Errors": errors, "UnprocessedIdentifiers": []}


def delete_record(context: Context, request: Request) -> Answer:
    """DeleteRecord; SoftDelete keeps the event time, HardDelete does not."""
    group, identifier = _group(context, request["FeatureGroupName"]), str(request["RecordIdentifierValueAsString"])
    if set(request.get("TargetStores") or ["OnlineStore"]) != {"OnlineStore"}:
        raise invalid(f"{group.name} has no offline store.")
    _moment(str(request["EventTime"]))
    if request.get("DeletionMode") == "HardDelete":
        before = context.store.get(_records(group), context.region, identifier)
        if before is not None and _moment(before.body["event"]) <= _moment(str(request["EventTime"])):
            context.store.delete(_records(group), context.region, identifier)
        return {}
    deleted: Answer = {"record": {}, "event": str(request["EventTime"]), "expires": None, "deleted": True}
    _save_if_newer(context, group, identifier, deleted)
    return {}


HANDLERS: dict[str, Handler] = {
    "CreateFeatureGroup": _create,
    "DescribeFeatureGroup": _describe,
    "UpdateFeatureGroup": _update,
    "DeleteFeatureGroup": _delete,
    "ListFeatureGroups": _list,
}
RUNTIME: dict[str, Handler] = {
    "PutRecord": put_record,
    "GetRecord": get_record,
    "BatchGetRecord": batch_get_record,
    "DeleteRecord": delete_record,
}
