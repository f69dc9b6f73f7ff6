"""Both kinds of store keep the same promises."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from airflow_sagemaker_mlops.records.model.errors import StoreUnavailable
from airflow_sagemaker_mlops.records.store import folder as folder_store
from airflow_sagemaker_mlops.records.store import s3 as s3_store
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.records.store.keys import record_key, segment
from airflow_sagemaker_mlops.records.store.open import open_store
from airflow_sagemaker_mlops.records.store.protocol import Store
from airflow_sagemaker_mlops.records.store.s3 import S3Store


def test_what_is_not_there_is_none(store: Store) -> None:
    assert store.read("d/records/r.json") is None


def test_a_created_object_is_not_created_again_and_stays_as_it_was(store: Store) -> None:
    assert store.create("a/b.json", b"first")
    assert not store.create("a/b.json", b"second")
    assert store.read("a/b.json").data == b"first"  # type: ignore[union-attr]


def test_of_several_writers_at_once_exactly_one_creates(store: Store) -> None:
    with ThreadPoolExecutor(8) as writers:
        created = list(writers.map(lambda n: store.create("x.json", str(n).encode()), range(8)))
    assert sum(created) == 1
    assert store.read("x.json").data == str(created.index(True)).encode()  # type: ignore[union-attr]


def test_an_object_is_replaced_only_as_long_as_nobody_else_did(store: Store) -> None:
    assert store.replace("x", b"1", None)
    assert not store.replace("x", b"2", None)
    seen = store.read("x")
    assert seen is not None
    assert store.replace("x", b"2", seen.tag)
    assert not store.replace("x", b"3", seen.tag)
    assert store.read("x").data == b"2"  # type: ignore[union-attr]


def test_keys_are_listed_sorted_by_their_bytes_under_a_prefix(store: Store) -> None:
    for key in ("d/a/2", "d/a/1", "d/a/é", "d/ab/1", "e/1"):
        store.write(key, b"")
    assert list(store.keys("d/a/")) == ["d/a/1", "d/a/2", "d/a/é"]
    assert list(store.folders()) == ["d", "e"]


def test_deleting_twice_is_as_good_as_once(store: Store) -> None:
    store.write("x", b"")
    store.delete("x")
    store.delete("x")
    assert store.read("x") is None


def test_an_empty_store_has_no_folders_and_no_keys(store: Store) -> None:
    assert (list(store.folders()), list(store.keys("d/"))) == ([], [])


def test_a_bucket_that_is_not_there_is_named(s3: Any) -> None:
    with pytest.raises(StoreUnavailable, match=r"s3://nowhere-at-all/p/x: there is no such bucket \(NoSuchBucket\)\."):
        S3Store(s3, "nowhere-at-all", "p").read("x")


class Denies:
    """A client whose identity may do nothing."""

    def __getattr__(self, name: str) -> Any:
        from botocore.exceptions import ClientError

        def refuse(*_: Any, **__: Any) -> Any:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, name)

        return refuse


@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.read("x"),
        lambda store: store.create("x", b""),
        lambda store: store.replace("x", b"", "t"),
        lambda store: store.delete("x"),
        lambda store: list(store.keys("x")),
        lambda store: list(store.folders()),
    ],
)
def test_denied_access_says_where_and_what_it_takes(call: Any) -> None:
    with pytest.raises(StoreUnavailable, match=r"s3://b/p/.*: access denied \(AccessDenied\); .* needs s3:GetObject"):
        call(S3Store(Denies(), "b", "p"))


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match=r"cannot write .*file/d/x: Not a directory"):
        FolderStore(tmp_path / "file").write("d/x", b"")


def test_a_half_written_file_of_a_killed_process_is_no_key(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.write("d/a.json", b"1")
    with store._written("d/b.json", b"half"):
        assert list(store.keys("")) == ["d/a.json"]
        assert list(store.folders()) == ["d"]


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("manual__2026-01-01T00:00:00+00:00", "manual__2026-01-01T00:00:00+00:00"),
        ("a/b", "a%2Fb"),
        ("..", "%2E."),
        ("été", "%C3%A9t%C3%A9"),
    ],
)
def test_names_become_one_segment_each(name: str, part: str) -> None:
    assert segment(name) == part


def test_long_names_are_cut_and_stay_different() -> None:
    one, other = segment("x" * 300 + "1"), segment("x" * 300 + "2")
    assert one != other
    assert len(one.encode()) <= 200


def test_locations_lead_to_their_stores(tmp_path: Path) -> None:
    store = open_store("s3://bucket/a/b/", lambda: "client")
    assert isinstance(store, S3Store)
    assert store.base == "s3://bucket/a/b"
    assert open_store(f"file://{tmp_path}", lambda: None) == FolderStore(tmp_path)
    assert open_store(str(tmp_path), lambda: None) == FolderStore(tmp_path)


@pytest.mark.parametrize("location", ["s3://", "s3:///prefix", "gs://bucket/x"])
def test_a_location_that_is_none_says_how_to_write_one(location: str) -> None:
    with pytest.raises(StoreUnavailable, match="s3://bucket/prefix"):
        open_store(location, lambda: None)


def test_runs_of_any_name_have_keys_under_their_dag() -> None:
    assert record_key("d", "../../x") == "d/records/%2E.%2F..%2Fx.json"


def test_an_object_that_cannot_be_a_record_is_not_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write("daily/records/r1.json", b"12345")
    for module in (folder_store, s3_store):
        monkeypatch.setattr(module, "MAX_BYTES", 4)
    with pytest.raises(
        StoreUnavailable, match=r"cannot read .*records/r1\.json: it has 5 bytes, and objects of records"
    ):
        store.read("daily/records/r1.json")
