"""Arguments of steps that are not an API request: EMR, EMRServerless, Lineage, Cleanup (docs/language/steps/)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .expressions import called, is_expression, kind_of
from .problems import Place, did_you_mean

if TYPE_CHECKING:
    from .report import Reporter

# Entities that a Lineage step creates: {member: (type of the entity in associations, its name)}
ENTITIES = {
    "Actions": ("Action", "ActionName"),
    "Artifacts": ("Artifact", "ArtifactName"),
    "Contexts": ("Context", "ContextName"),
}
ENTITY_TYPES = ("Action", "Artifact", "Context")
ASSOCIATION_TYPES = ("ContributedTo", "AssociatedWith", "DerivedFrom", "Produced", "SameAs")
CLEANUP_KEYS = frozenset({"Resources"})
LINEAGE_KEYS = frozenset({*ENTITIES, "Associations"})


def step_arguments(out: Reporter, name: str, kind: str, arguments: Mapping[str, object], place: Place) -> None:
    """Report problems in the ``arguments``, as written, of a step of type ``kind``; ignores other types."""
    match kind:
        case "Cleanup":
            _cleanup(out, name, arguments, place)
        case "EMR" | "EMRServerless":
            from .emr_arguments import emr_arguments, serverless_arguments

            (emr_arguments if kind == "EMR" else serverless_arguments)(out, name, arguments, place)
        case "Lineage":
            _lineage(out, name, arguments, place)
        case "x-champion" | "x-promote-champion" | "x-approval":
            from .champion_arguments import champion_arguments

            champion_arguments(out, name, kind, arguments, place)
        case "x-smoke-test":
            for key in ("EndpointName", "Records"):
                if arguments.get(key) is None:
                    out.report("SM121", place, f'{called(name)} has no "{key}".', f'Add "{key}".')
        case _:
            return


def _cleanup(out: Reporter, name: str, arguments: Mapping[str, object], place: Place) -> None:
    out.unknown_keys(arguments, CLEANUP_KEYS, place, f"{called(name)} (Cleanup)")
    resources: Any = arguments.get("Resources")
    here = (place, "Resources")
    if resources is None:
        what = f'{called(name)} has no "Resources", so it deletes nothing.'
        out.report("SM121", place, what, 'Add "Resources": {"S3": [...]}.', warn=True)
    if not out.reader.wanted(resources, Mapping, here, "an object"):
        return
    out.unknown_keys(resources, frozenset({"S3"}), here, "Resources")
    for row, at in _objects(out, resources.get("S3"), (here, "S3")):
        out.unknown_keys(row, frozenset({"StepName", "S3Uris"}), at, "an entry of S3")
        step, uris = row.get("StepName"), row.get("S3Uris")
        if step is None:
            out.report("SM121", at, 'an entry of S3 needs "StepName".', 'Add "StepName".')
        else:
            out.reader.wanted(step, str, (at, "StepName"), "the name of a step")
        if not is_expression(uris):
            out.reader.wanted(uris, list, (at, "S3Uris"), "a list of S3 URIs")


def _lineage(out: Reporter, name: str, arguments: Mapping[str, object], place: Place) -> None:
    out.unknown_keys(arguments, LINEAGE_KEYS, place, f"{called(name)} (Lineage)")
    made = _made(arguments)
    for row, at in _objects(out, arguments.get("Associations"), (place, "Associations")):
        out.unknown_keys(row, frozenset({"Source", "Destination", "AssociationType"}), at, "an association")
        kind = row.get("AssociationType")
        if isinstance(kind, str) and kind not in ASSOCIATION_TYPES:
            hint = did_you_mean(kind, ASSOCIATION_TYPES)
            # The API has added types before, so leave the decision to it at run time.
            out.report("SM122", (at, "AssociationType"), f'"{kind}" is not an association type.', hint, warn=True)
        for side in ("Source", "Destination"):
            if row.get(side) is None:
                out.report("SM121", at, f'an association needs "{side}".', f'Add "{side}": {{...}}.')
            elif out.reader.wanted(row[side], Mapping, (at, side), "an object"):
                _end(out, row[side], made, (at, side))


def _end(out: Reporter, end: Mapping[str, object], made: Mapping[str, list[Any]], place: Place) -> None:
    """One end of an association: an ARN, or the type and name of an entity that the same step creates."""
    out.unknown_keys(end, frozenset({"Arn", "Name", "Type"}), place, "an end of an association")
    if end.get("Arn") is not None:
        return
    kind, name = end.get("Type"), end.get("Name")
    if kind is None or name is None:
        out.report("SM121", place, 'an end of an association needs "Arn", or "Name" and "Type".')
    elif kind not in ENTITY_TYPES and not is_expression(kind):
        hint = f"Use one of: {', '.join(ENTITY_TYPES)}."
        out.report("SM122", (place, "Type"), f"{kind_of(kind)} is not a lineage entity type.", hint)
    elif isinstance(name, str) and isinstance(kind, str):
        known = [other for other in made[kind] if isinstance(other, str)]
        if name not in known and not any(is_expression(other) for other in made[kind]):
            what = f'the step creates no {kind} called "{name}".'
            out.report("SM215", (place, "Name"), what, did_you_mean(name, known))


def _made(arguments: Mapping[str, object]) -> dict[str, list[Any]]:
    """{type: names of the entities of that type that the step creates}, as written."""
    found: dict[str, list[Any]] = {}
    for member, (kind, key) in ENTITIES.items():
        rows = arguments.get(member)
        rows = rows if isinstance(rows, list) else []
        found[kind] = [row.get(key) if isinstance(row, Mapping) else None for row in rows]
    return found


def _objects(out: Reporter, items: object, place: Place) -> Iterator[tuple[Mapping[str, Any], Place]]:
    """The objects in the list ``items`` with their places; reports everything else."""
    if out.reader.wanted(items, list, place, "a list"):
        for index, item in enumerate(items):
            if isinstance(item, Mapping):
                yield item, (place, index)
            else:
                out.report("SM122", (place, index), f"expected an object, found {kind_of(item)}.")
