"""The model registry: model package groups and their versions."""

from __future__ import annotations

import json
import threading
import unicodedata

from ..errors import AwsError, invalid
from ..moto_backend import send_event
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

GROUP, PACKAGE = "model-package-group", "model-package"
MAX_PROPERTIES = 50  # in CustomerMetadataProperties of a package, after an update as well
CARD_SECTIONS = frozenset(  # of the card of a model package, whose schema is not that of CreateModelCard
    {
        "model_overview",
        "intended_uses",
        "business_details",
        "training_details",
        "evaluation_details",
        "additional_information",
    }
)
_REGISTERING = threading.Lock()


def _create_group(context: Context, request: Request) -> Answer:
    name = str(request["ModelPackageGroupName"])
    arn = context.arn(f"model-package-group/{name}")
    try:
        body = {"arn": arn, "request": dict(request), "versions": 0}
        context.store.insert(GROUP, context.region, name, body, tags_of(request))
    except NameTaken:
        raise invalid(f"Model Package Group already exists: {arn}") from None
    return {"ModelPackageGroupArn": arn}


def _group(context: Context, name: object) -> Resource:
    short = str(name).rpartition("/")[2]
    found = context.store.get(GROUP, context.region, short)
    if found is None:
        raise invalid(f"ModelPackageGroup {short} does not exist.")
    return found


def _group_answer(found: Resource) -> Answer:
    return {
        "ModelPackageGroupName": found.name,
        "ModelPackageGroupArn": found.body["arn"],
        "ModelPackageGroupDescription": found.body["request"].get("ModelPackageGroupDescription"),
        "CreationTime": found.created,
        "ModelPackageGroupStatus": "Completed",
        "CreatedBy": {},
    }


def _describe_group(context: Context, request: Request) -> Answer:
    return _group_answer(_group(context, request["ModelPackageGroupName"]))


def _delete_group(context: Context, request: Request) -> Answer:
    found = _group(context, request["ModelPackageGroupName"])
    if any(p.body["group"] == found.name for p in context.store.all(PACKAGE, context.region)):
        raise AwsError("ConflictException", f"Model Package Group {found.name} still has versions.")
    context.store.delete(GROUP, context.region, found.name)
    return {}


def _list_groups(context: Context, request: Request) -> Answer:
    rows = [
        _group_answer(found)
        for found in context.store.all(GROUP, context.region)
        if passes_filters(request, found.name, None, found.created, found.modified)
    ]
    keys = {"Name": "ModelPackageGroupName", "CreationTime": "CreationTime"}
    return page(sorted_rows(rows, request, keys, "CreationTime"), request, "ModelPackageGroupSummaryList")


def _create_package(context: Context, request: Request) -> Answer:
    _require_card(request.get("ModelCard") or {})
    _require_metadata(request.get("CustomerMetadataProperties") or {})
    if not request.get("ModelPackageGroupName"):
        return _create_unversioned(context, request)
    # Only this process writes the store, so a lock suffices to number versions and to honour client tokens.
    with _REGISTERING:
        group = _group(context, request["ModelPackageGroupName"])
        token = request.get("ClientToken")
        for found in context.store.all(PACKAGE, context.region) if token else ():
            if found.body["group"] == group.name and found.body.get("token") == token:
                return {"ModelPackageArn": found.body["arn"]}
        version = int(group.body["versions"]) + 1
        arn = context.arn(f"model-package/{group.name}/{version}")
        body = {"arn": arn, "group": group.name, "version": version, "token": token}
        context.store.update(GROUP, context.region, group.name, versions=version)
        context.store.insert(PACKAGE, context.region, arn, {**body, "request": _without(request, "ClientToken")})
    _send_state_change(context, find_package(context, arn))
    return {"ModelPackageArn": arn}


def _create_unversioned(context: Context, request: Request) -> Answer:
    name = request.get("ModelPackageName")
    if not name:
        raise invalid("Either ModelPackageName or ModelPackageGroupName is required.")
    arn = context.arn(f"model-package/{name}")
    body = {"arn": arn, "group": None, "version": None, "request": _without(request, "ClientToken")}
    try:
        context.store.insert(PACKAGE, context.region, arn, body, tags_of(request))
    except NameTaken:
        raise invalid(f"ModelPackage already exists: {arn}") from None
    return {"ModelPackageArn": arn}


def _without(request: Request, *keys: str) -> Answer:
    return {key: value for key, value in request.items() if key not in keys}


def find_package(context: Context, name: object) -> Resource:
    """A model package, by ARN or by name."""
    text = str(name)
    arn = text if text.startswith("arn:") else context.arn(f"model-package/{text}")
    found = context.store.get(PACKAGE, context.region, arn)
    if found is None:
        raise invalid(f"ModelPackage {text} does not exist.")
    return found


def _package_answer(found: Resource) -> Answer:
    body = found.body
    changed = body.get("changes") or {}
    return {
        **body["request"],
        **changed,
        "ModelPackageName": found.name.rpartition(":model-package/")[2].partition("/")[0],
        "ModelPackageGroupName": body["group"],
        "ModelPackageVersion": body["version"],
        "ModelPackageArn": body["arn"],
        "CreationTime": found.created,
        "LastModifiedTime": found.modified,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
        "ModelApprovalStatus": changed.get("ModelApprovalStatus")
        or body["request"].get("ModelApprovalStatus")
        or "PendingManualApproval",
    }


def _describe_package(context: Context, request: Request) -> Answer:
    return _package_answer(find_package(context, request["ModelPackageName"]))


def _update_package(context: Context, request: Request) -> Answer:
    _require_card(request.get("ModelCard") or {})
    _require_metadata(request.get("CustomerMetadataProperties") or {})
    with _REGISTERING:  # two updates of one package may change different members of it
        found = find_package(context, request["ModelPackageArn"])
        package = _package_answer(found)
        before = package.get("CustomerMetadataProperties") or {}
        card = package.get("ModelCard") or {}
        if "ModelCard" in request and card.get("ModelCardStatus") == "Archived":
            raise invalid("Model Card is in Archived state.")
        changes = {**(found.body.get("changes") or {}), **_without(request, "ModelPackageArn", "ClientToken")}
        if "ModelCard" in request:
            changes["ModelCard"] = {**card, **request["ModelCard"]}
        removed = changes.pop("CustomerMetadataPropertiesToRemove", [])
        if "CustomerMetadataProperties" in request or removed:
            merged = {**before, **(request.get("CustomerMetadataProperties") or {})}
            changes["CustomerMetadataProperties"] = {k: v for k, v in merged.items() if k not in removed}
            _require_metadata(changes["CustomerMetadataProperties"])
        context.store.update(PACKAGE, context.region, found.name, changes=changes)
    _send_state_change(context, find_package(context, request["ModelPackageArn"]))
    return {"ModelPackageArn": found.body["arn"]}


def _send_state_change(context: Context, found: Resource) -> None:
    """Send EventBridge's event of a new or changed version, as SageMaker does."""
    package = _package_answer(found)
    names = ("ModelPackageName", "ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn")
    detail = {name: package[name] for name in (*names, "ModelPackageStatus", "ModelApprovalStatus")}
    detail |= {name: package[name] for name in ("ModelPackageDescription", "ApprovalDescription") if package.get(name)}
    entry = {
        "Source": "aws.sagemaker",
        "DetailType": "SageMaker Model Package State Change",
        "Resources": [package["ModelPackageArn"]],
        "Detail": json.dumps(detail),
    }
    send_event(context.region, entry)


def _require_card(card: Request) -> None:
    """Refuse a card that AWS's schema for the cards of model packages does not allow, by its sections."""
    content = card.get("ModelCardContent")
    if content is None:
        return
    try:
        sections = json.loads(str(content))
    except ValueError:
        sections = None
    if not isinstance(sections, dict):
        raise invalid("ModelCardContent is not a JSON object.")
    if unknown := sorted(set(sections) - CARD_SECTIONS):
        raise invalid(f"ModelCardContent does not follow the schema: extraneous key [{unknown[0]}] is not permitted.")


def _require_metadata(properties: Request) -> None:
    """Refuse what AWS does: too many properties, and characters that Python cannot read out of the model's pattern."""
    if len(properties) > MAX_PROPERTIES:
        raise invalid(f"A model package has at most {MAX_PROPERTIES} CustomerMetadataProperties.")
    for text in (text for pair in properties.items() for text in pair):
        # Java would read: letters, separators and numbers, and _.:/=+-@
        if not all(letter in "_.:/=+-@" or unicodedata.category(letter)[0] in "LZN" for letter in str(text)):
            raise invalid(
                f"Value '{text}' at 'customerMetadataProperties' failed to satisfy constraint: Member must satisfy "
                "regular expression pattern: ([\\p{L}\\p{Z}\\p{N}_.:\\/=+\\-@]*)${1,256}"
            )


def _delete_package(context: Context, request: Request) -> Answer:
    context.store.delete(PACKAGE, context.region, find_package(context, request["ModelPackageName"]).name)
    return {}


def _list_packages(context: Context, request: Request) -> Answer:
    group = request.get("ModelPackageGroupName")
    short = str(group).rpartition("/")[2] if group else None
    rows = []
    for found in context.store.all(PACKAGE, context.region):
        answer = _package_answer(found)
        kind = request.get("ModelPackageType") or ("Versioned" if group else "Unversioned")
        if (short and answer["ModelPackageGroupName"] != short) or not _of_kind(answer, kind):
            continue
        status = request.get("ModelApprovalStatus")
        if status and answer["ModelApprovalStatus"] != status:
            continue
        if passes_filters(request, answer["ModelPackageName"], None, found.created, found.modified):
            rows.append(answer)
    keys = {"Name": "ModelPackageName", "CreationTime": "CreationTime"}
    return page(sorted_rows(rows, request, keys, "CreationTime"), request, "ModelPackageSummaryList")


def _of_kind(answer: Answer, kind: str) -> bool:
    return kind == "Both" or (answer["ModelPackageVersion"] is not None) is (kind == "Versioned")


HANDLERS: dict[str, Handler] = {
    "CreateModelPackageGroup": _create_group,
    "DescribeModelPackageGroup": _describe_group,
    "DeleteModelPackageGroup": _delete_group,
    "ListModelPackageGroups": _list_groups,
    "CreateModelPackage": _create_package,
    "DescribeModelPackage": _describe_package,
    "UpdateModelPackage": _update_package,
    "DeleteModelPackage": _delete_package,
    "ListModelPackages": _list_packages,
}
