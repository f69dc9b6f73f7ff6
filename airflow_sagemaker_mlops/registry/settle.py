"""Applies the history to the registry: if the writer of an entry was killed before it did so, the next caller does.

A person's rejection takes precedence over any entry: a change whose version has since been rejected is abandoned.
"""

from __future__ import annotations

from typing import Any

from .champion import (
    APPROVED,
    ARCHIVED,
    PRODUCTION,
    PROMOTION_KEY,
    REJECTED,
    Client,
    Log,
    Version,
    approved_versions,
    in_production,
    version_of,
)
from .errors import RegistryError
from .history import Entry, History
from .wording import fitted, metadata_value

RUN_KEY = "sagemaker-mlops:promoted-by"
ABANDONED_KEY = "sagemaker-mlops:abandoned"  # URI of the entry that is never applied
ROLLED_BACK = "RolledBack"
RETIRED = "Retired"


def settle(client: Client, history: History, log: Log, last: Entry | None = None) -> Entry | None:
    """Bring the registry and ``champion.json`` in line with the last entry; return it, or ``None`` if there is none.

    Repeats while others write later entries, so that a slow caller cannot undo a later change.
    """
    last = last or history.last()
    while last is not None:
        _apply(client, history, last, log)
        numbers = history.numbers()
        if not numbers or numbers[-1] <= last.number:
            break
        last = history.read(numbers[-1])
    return last


def rejected_since(client: Client, last: Entry | None) -> Version | None:
    """The version of the last entry, if somebody has since rejected it in the registry and it has not been replaced."""
    version = _found(client, last.model_package) if last is not None else None
    if version is None or last is None:
        return None
    return version if version.approval == REJECTED and version.promotion == last.uri else None


def is_abandoned(version: Version, entry: Entry) -> bool:
    """Whether ``version`` is not the champion although ``entry`` says so, because it was rejected."""
    return version.approval == REJECTED or _is_marked(version, entry)


def is_open(client: Client, entry: Entry) -> bool:
    """Whether the first registry update for ``entry`` is still to come."""
    version = _found(client, entry.model_package)  # a deleted version cannot be updated
    return version is not None and version.promotion_number < entry.number and not _is_marked(version, entry)


def _apply(client: Client, history: History, entry: Entry, log: Log) -> None:
    """Update the registry to match ``entry``.  Each call sets complete values, so it may be repeated."""
    try:
        champion = version_of(client, entry.model_package)
    except RegistryError as error:
        log(f"{entry.uri} is not followed: {error}")
        return
    if champion.promotion_number > entry.number:
        return  # set by a later entry, which takes precedence
    if _stays_rejected(client, champion, entry, log):
        return
    if champion.promotion != entry.uri:
        _make_champion(client, champion, entry)
        champion = version_of(client, champion.arn)
        if _stays_rejected(client, champion, entry, log):
            return
        log(f"version {champion.number} of {entry.group} is in Production")
    elif not champion.is_in_production:
        return  # somebody has moved it out of Production since
    for row in list(approved_versions(client("sagemaker"), history.group)):
        if in_production(row) and row["ModelPackageArn"] != champion.arn:
            _archive(client, entry, champion, str(row["ModelPackageArn"]))
    if entry.replaced and (other := _found(client, entry.replaced)) is not None and other.is_in_production:
        _archive(client, entry, champion, other.arn)  # a rejected version is not among the approved ones
    history.point_to(entry)


def _make_champion(client: Client, version: Version, entry: Entry) -> None:
    client("sagemaker").update_model_package(
        ModelPackageArn=version.arn,
        ModelLifeCycle={
            "Stage": PRODUCTION,
            "StageStatus": APPROVED,
            "StageDescription": fitted(f"{change_line(entry)}. {entry.sentence}"),
        },
        CustomerMetadataProperties={PROMOTION_KEY: entry.uri, RUN_KEY: metadata_value(entry.author)},
        **_approval(version, entry),
    )


def _stays_rejected(client: Client, version: Version, entry: Entry, log: Log) -> bool:
    """Whether ``entry`` is not applied because a person has rejected its version; then the previous champion stays.

    An entry that was not applied yet is marked, so that approving the version later does not apply it.
    """
    if version.approval != REJECTED:
        return _is_marked(version, entry)
    if version.promotion != entry.uri and not _is_marked(version, entry):
        marked = {ABANDONED_KEY: entry.uri}
        client("sagemaker").update_model_package(ModelPackageArn=version.arn, CustomerMetadataProperties=marked)
        what = "rollback" if entry.is_rollback else "promotion"
        log(f"{entry.uri}: this {what} is abandoned: version {version.number} was rejected in the registry meanwhile")
    return True


def _is_marked(version: Version, entry: Entry) -> bool:
    return bool((version.described.get("CustomerMetadataProperties") or {}).get(ABANDONED_KEY) == entry.uri)


def _found(client: Client, arn: str) -> Version | None:
    try:
        return version_of(client, arn)
    except RegistryError:
        return None


def _approval(champion: Version, entry: Entry) -> dict[str, Any]:
    """The request members that approve the version; empty if it is approved already with a description."""
    if champion.approval == APPROVED and champion.described.get("ApprovalDescription"):
        return {}
    return {"ModelApprovalStatus": APPROVED, "ApprovalDescription": fitted(entry.sentence or change_line(entry))}


def _archive(client: Client, entry: Entry, champion: Version, arn: str) -> None:
    other = version_of(client, arn)
    if other.promotion_number >= entry.number or not (other.promotion or arn == entry.replaced):
        return  # it was promoted later, or moved there by somebody else
    rolled_back = entry.is_rollback and arn == entry.replaced
    why = f"Replaced by version {champion.number}. {change_line(entry)}"
    rejected: dict[str, Any] = {
        "ModelApprovalStatus": REJECTED,
        "ApprovalDescription": fitted(f"Rolled back by {entry.author}. {entry.sentence}"),
    }
    client("sagemaker").update_model_package(
        ModelPackageArn=arn,
        ModelLifeCycle={
            "Stage": ARCHIVED,
            "StageStatus": ROLLED_BACK if rolled_back else RETIRED,
            "StageDescription": fitted(why),
        },
        **(rejected if rolled_back and other.approval != REJECTED else {}),
    )


def change_line(entry: Entry) -> str:
    """Who made the change, and when."""
    verb = "Made the champion again" if entry.is_rollback else "Promoted"
    return f"{verb} by {entry.author} at {entry.at} ({entry.uri})"
