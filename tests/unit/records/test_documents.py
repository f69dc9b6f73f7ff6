"""The types of stored documents against ``schema.json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NotRequired, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from airflow_sagemaker_mlops.records.model import documents
from airflow_sagemaker_mlops.records.store.sealed import read_schema

SCHEMA = read_schema()
MEMBERS = SCHEMA["properties"]
SHAPES: dict[type, Mapping[str, Any]] = {
    documents.RecordDocument: SCHEMA,
    documents.RunDocument: MEMBERS["run"],
    documents.DefinitionDocument: MEMBERS["definition"],
    documents.DefinitionCopyDocument: MEMBERS["definition"]["properties"]["copy"],
    documents.ParameterDocument: MEMBERS["externalParameters"]["additionalProperties"],
    documents.DecisionDocument: MEMBERS["decisions"]["items"],
    documents.ApprovalDocument: MEMBERS["approvals"]["items"],
    documents.TotalsDocument: MEMBERS["totals"],
    documents.CostDocument: MEMBERS["totals"]["properties"]["cost"],
    documents.IntegrityDocument: MEMBERS["integrity"],
    documents.ArtifactDocument: SCHEMA["$defs"]["artifact"],
    documents.ImageDocument: SCHEMA["$defs"]["image"],
    documents.CodeDocument: SCHEMA["$defs"]["code"],
    documents.AttemptDocument: SCHEMA["$defs"]["attempt"],
    documents.CacheDocument: SCHEMA["$defs"]["cache"],
    documents.TermDocument: SCHEMA["$defs"]["term"],
    documents.StepDocument: SCHEMA["$defs"]["step"],
    documents.ModelDocument: SCHEMA["$defs"]["model"],
    documents.ResourceDocument: SCHEMA["$defs"]["resource"],
    documents.LinkDocument: SCHEMA["$defs"]["link"],
}
KINDS = {str: "string", int: "integer", float: "number", bool: "boolean", list: "array", Mapping: "object"}


def kind_of(hint: Any) -> str | None:
    """The JSON type of an annotation; ``None`` if there are several."""
    if get_origin(hint) is NotRequired:
        return kind_of(get_args(hint)[0])
    return "object" if is_typeddict(hint) else KINDS.get(get_origin(hint) or hint)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_a_type_has_the_members_that_the_schema_has(shape: Any) -> None:
    schema = SHAPES[shape]
    names = {"Json": object, "JsonObject": Mapping}
    hints = get_type_hints(shape, localns=names, include_extras=True)
    assert hints.keys() == schema["properties"].keys()
    always = {name for name, hint in hints.items() if shape.__total__ and get_origin(hint) is not NotRequired}
    assert always <= set(schema.get("required", ()))
    for name, hint in hints.items():
        kind = schema["properties"][name].get("type")
        if isinstance(kind, str) and kind_of(hint) is not None:
            assert (name, kind_of(hint)) == (name, kind)
