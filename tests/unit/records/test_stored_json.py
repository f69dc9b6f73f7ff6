"""Records are read defensively: whoever may write to the store may write anything."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from record_examples import record

from airflow_sagemaker_mlops.records.model.canonical_json import canonical_json
from airflow_sagemaker_mlops.records.model.errors import BrokenRecord
from airflow_sagemaker_mlops.records.seal.hash_chain import read_heads
from airflow_sagemaker_mlops.records.seal.seal import seal
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.records.store.keys import heads_key, record_key
from airflow_sagemaker_mlops.records.store.reader import read_record
from airflow_sagemaker_mlops.records.store.sealed import parse_record, read_schema, seal_document
from airflow_sagemaker_mlops.records.store.stored_json import misfit
from airflow_sagemaker_mlops.records.verify.chain import verify

VALIDATOR = Draft202012Validator(read_schema())
DEEP = b"[" * 50_000


@pytest.mark.parametrize(
    "data",
    [
        DEEP,
        b'{"heads": ' + b"[" * 600 + b"]" * 600 + b"}",
        b'{"heads": 5}',
        b'{"heads": [5]}',
        b'{"heads": [{"run_id": 5, "sha256": []}]}',
        rb'{"heads": [{"run_id": "\ud800", "sha256": "a"}]}',
        b'{"heads": NaN}',
        b"\xff",
        b"",
    ],
)
def test_damaged_heads_are_found_again_in_the_index(folder: FolderStore, data: bytes) -> None:
    seal(folder, record("r1"))
    right = read_heads(folder, "daily").links
    folder.write(heads_key("daily"), data)
    assert read_heads(folder, "daily").links == right
    (finding,) = verify(folder, "daily").findings
    assert (finding.harmless, "heads.json is damaged" in finding.what) == (True, True)


def test_a_record_that_is_nested_deeply_is_named(folder: FolderStore) -> None:
    folder.write(record_key("daily", "r1"), b'{"kind": ' + DEEP)
    with pytest.raises(BrokenRecord, match="is nested more than"):
        read_record(folder, "daily", "r1")
    assert [finding.run_id for finding in verify(folder, "daily").findings] == ["r1"]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in items for place in places(item, (*path, key)))]


def with_value(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = with_value(value[path[0]], path[1:], new)
    return copy


@pytest.mark.parametrize("value", [7, "x", None, [], [7], {"a": 1}], ids=json.dumps)
def test_a_record_of_another_shape_is_named_although_it_is_well_sealed(value: Any) -> None:
    document = seal_document(record("r1"), [])
    assert misfit(document, read_schema()) == ""
    named = 0
    for path in places(document):
        if not path or path[0] in ("kind", "schema", "integrity"):
            continue
        damaged = with_value({key: item for key, item in document.items() if key != "integrity"}, path, value)
        wrong = misfit(seal_document(damaged, []), read_schema())
        if not wrong:
            continue
        named += 1
        assert not VALIDATOR.is_valid(seal_document(damaged, []))
        with pytest.raises(BrokenRecord, match=r"daily/r1.json .*(shape|has no run or no steps)"):
            parse_record(canonical_json(seal_document(damaged, [])), "daily/r1.json")
    assert named > 20
