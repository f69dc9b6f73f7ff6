"""Recorded versions of inputs, found again and copied for a reproduction."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from record_examples import SHA, TRAIN

from airflow_sagemaker_mlops.records.capture.fingerprint import fingerprint
from airflow_sagemaker_mlops.records.model.errors import RecordError
from airflow_sagemaker_mlops.records.model.step_record import Artifact, Image, StepRecord
from airflow_sagemaker_mlops.records.reproduce.input_versions import (
    Found,
    copy_inputs,
    find_inputs,
    pinned_images,
    target_of,
)
from airflow_sagemaker_mlops.records.store.folder import FolderStore
from airflow_sagemaker_mlops.records.store.listing import read_listing


@pytest.fixture
def versioned(s3: Any, bucket: str) -> str:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def put(s3: Any, bucket: str, **objects: str) -> None:
    for name, body in objects.items():
        s3.put_object(Bucket=bucket, Key=name.replace("__", "/"), Body=body.encode())


def contents(s3: Any, uri: str) -> dict[str, str]:
    """{rest of key: content} as a job would read it."""
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]
    bodies = {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode() for key in keys}
    return {key.removeprefix(prefix): body for key, body in bodies.items()}


def recorded(s3: Any, folder: FolderStore, *uris: str, versions: bool = True) -> dict[str, StepRecord]:
    """A step that read these."""
    look = partial(fingerprint, s3, versions=versions, store=folder, dag_id="d")
    return read(*(look(Artifact(uri)) for uri in uris))


def read(*inputs: Artifact) -> dict[str, StepRecord]:
    return {"Step": StepRecord("Step", "Training", "Succeeded", request={}, inputs=inputs)}


def find(s3: Any, folder: FolderStore, steps: dict[str, StepRecord]) -> Found:
    return find_inputs(s3, steps, partial(read_listing, folder, "d"))


@pytest.mark.parametrize("end", ["in/", "in", "in/part", "in/part-1"])
def test_a_changed_input_is_copied_as_it_was_however_its_uri_ends(
    s3: Any, versioned: str, folder: FolderStore, end: str
) -> None:
    put(s3, versioned, **{"in__part-1": "one", "in__part-2": "two"})
    uri = f"s3://{versioned}/{end}"
    before = contents(s3, uri)
    steps = recorded(s3, folder, uri)
    put(s3, versioned, **{"in__part-1": "changed", "in__part-3": "new"})
    s3.delete_object(Bucket=versioned, Key="in/part-2")
    found = find(s3, folder, steps)
    assert found.problems == ()
    copied = copy_inputs(s3, found, "")
    assert copied[uri].startswith(f"s3://{versioned}/reproductions/")
    assert contents(s3, copied[uri]) == before
    assert copied[uri].rpartition("/")[2] == uri.rpartition("/")[2]


def test_what_is_as_it_was_is_read_where_it_lies(s3: Any, bucket: str, folder: FolderStore) -> None:
    put(s3, bucket, in__a="a")
    steps = recorded(s3, folder, f"s3://{bucket}/in/")
    assert find(s3, folder, steps) == Found(read=(f"s3://{bucket}/in/",))


def test_a_version_with_the_recorded_content_does_when_no_version_was_recorded(
    s3: Any, versioned: str, folder: FolderStore
) -> None:
    put(s3, versioned, in__a="a", in__b="b")
    uri = f"s3://{versioned}/in/"
    steps = recorded(s3, folder, uri, versions=False)
    put(s3, versioned, in__a="changed")
    assert contents(s3, copy_inputs(s3, find(s3, folder, steps), "")[uri]) == {"a": "a", "b": "b"}


def test_every_object_that_is_gone_is_named(s3: Any, bucket: str, folder: FolderStore) -> None:
    put(s3, bucket, in__a="a", in__b="b", in__c="c", code="x")
    uris = (f"s3://{bucket}/in/", f"s3://{bucket}/code")
    steps = recorded(s3, folder, *uris)
    put(s3, bucket, in__a="changed", in__b="changed", code="changed")  # no versions: what was there is lost
    found = find(s3, folder, steps)
    assert [line.partition(" ")[0].rstrip(":") for line in found.problems] == [f"{uris[0]}a", f"{uris[0]}b", uris[1]]
    assert all("(no version was recorded) is gone" in line for line in found.problems)


def test_a_version_that_a_lifecycle_rule_took_away_is_named(s3: Any, versioned: str, folder: FolderStore) -> None:
    put(s3, versioned, code="x")
    steps = recorded(s3, folder, f"s3://{versioned}/code")
    version = steps["Step"].inputs[0].version
    put(s3, versioned, code="changed")
    s3.delete_object(Bucket=versioned, Key="code", VersionId=version)
    assert find(s3, folder, steps).problems == (f"s3://{versioned}/code: version {version} is gone",)


@pytest.mark.parametrize(
    ("was", "why"),
    [
        (Artifact("s3://{b}/x", problem="access denied"), "has no fingerprint in the record (access denied)"),
        (Artifact("s3://{b}/x", objects=9, sha256=SHA), "was changed, and the list of its objects was not stored"),
    ],
)
def test_an_input_that_the_record_does_not_tell_enough_of_is_named(
    s3: Any, bucket: str, folder: FolderStore, was: Artifact, why: str
) -> None:
    was = replace(was, uri=was.uri.format(b=bucket))
    found = find(s3, folder, read(was))
    assert found.problems == (f"s3://{bucket}/x of Step {why}",)


def test_what_the_run_made_itself_is_not_looked_for(folder: FolderStore) -> None:
    made = replace(TRAIN, inputs=())
    reads = StepRecord("Use", "Condition", "Succeeded", inputs=(Artifact("s3://b/m/model.tar.gz", sha256=SHA),))
    assert find(None, folder, {"TrainModel": made, "Use": reads}) == Found()


LOOPED = {"Loop": {"InputItemCount": 1, "TotalStepCount": 1}}


@pytest.mark.parametrize(
    ("steps", "untold"),
    [
        ([StepRecord("Train", "Training", "Succeeded")], ["Train"]),
        ([StepRecord("Train", "Training", "Failed")], []),
        ([StepRecord("Check", "Condition", "Succeeded")], []),
        ([StepRecord("Loop", "ForEach", "Succeeded", result=LOOPED)], ["Loop"]),
        (
            [
                StepRecord("Loop", "ForEach", "Succeeded", result=LOOPED),
                StepRecord("Try-0", "Training", "Succeeded", loop="Loop", request={}),
            ],
            [],
        ),
    ],
)
def test_a_step_that_left_no_word_of_what_it_read_cannot_be_pinned(
    folder: FolderStore, steps: list[StepRecord], untold: list[str]
) -> None:
    found = find(None, folder, {step.step: step for step in steps})
    assert found.problems == tuple(f"what {name} read is not in the record" for name in untold)


def test_copies_do_not_go_where_they_would_be_read_as_input(s3: Any, versioned: str, folder: FolderStore) -> None:
    put(s3, versioned, a="a")
    steps = recorded(s3, folder, f"s3://{versioned}")
    put(s3, versioned, a="changed")
    with pytest.raises(RecordError, match=r"would lie in the input s3://\S+\. Pass another location as copies="):
        copy_inputs(s3, find(s3, folder, steps), "")


def test_copying_again_copies_what_is_missing_and_nothing_else(s3: Any, versioned: str, folder: FolderStore) -> None:
    put(s3, versioned, in__a="a", in__b="b")
    uri = f"s3://{versioned}/in/"
    steps = recorded(s3, folder, uri)
    put(s3, versioned, in__a="changed")
    copied = copy_inputs(s3, find(s3, folder, steps), "")
    bucket, _, prefix = copied[uri].removeprefix("s3://").partition("/")
    s3.delete_object(Bucket=bucket, Key=f"{prefix}a")
    assert copy_inputs(s3, find(s3, folder, steps), "") == copied
    assert contents(s3, copied[uri]) == {"a": "a", "b": "b"}
    versions = s3.list_object_versions(Bucket=bucket, Prefix=prefix)["Versions"]
    assert sorted(item["Key"].removeprefix(prefix) for item in versions) == ["a", "a", "b"]


def test_something_else_among_the_copies_is_not_read(s3: Any, versioned: str, folder: FolderStore) -> None:
    put(s3, versioned, in__a="a")
    uri = f"s3://{versioned}/in/"
    steps = recorded(s3, folder, uri)
    put(s3, versioned, in__a="changed")
    found = find(s3, folder, steps)
    copied = copy_inputs(s3, found, "")
    s3.put_object(Bucket=versioned, Key=f"{copied[uri].partition(f'{versioned}/')[2]}z", Body=b"z")
    with pytest.raises(RecordError, match=r"/in/z does not belong to the recorded input\. Remove it\."):
        copy_inputs(s3, found, "")


def test_copies_go_where_they_are_wanted(s3: Any, versioned: str, folder: FolderStore) -> None:
    put(s3, versioned, code="x")
    uri = f"s3://{versioned}/code"
    steps = recorded(s3, folder, uri)
    put(s3, versioned, code="changed")
    copied = copy_inputs(s3, find(s3, folder, steps), f"s3://{versioned}/mine/")
    assert copied[uri].startswith(f"s3://{versioned}/mine/")
    assert contents(s3, copied[uri]) == {"": "x"}


def test_a_copy_that_is_refused_says_what_and_why(s3: Any, versioned: str, folder: FolderStore) -> None:
    put(s3, versioned, code="x")
    steps = recorded(s3, folder, f"s3://{versioned}/code")
    put(s3, versioned, code="changed")
    with pytest.raises(RecordError, match=r"cannot copy s3://\S+/code to s3://no-such-\S+: there is no such bucket"):
        copy_inputs(s3, find(s3, folder, steps), "s3://no-such-bucket-anywhere/x")


def test_two_states_of_an_input_have_two_places() -> None:
    one, other = (Artifact("s3://b/in", sha256=digest, version=version) for digest, version in ((SHA, "1"), (SHA, "2")))
    assert target_of(one, "") == target_of(replace(one), "")
    assert target_of(one, "") != target_of(other, "")


def test_images_are_taken_by_their_recorded_digest() -> None:
    digest = f"sha256:{SHA}"
    images = (
        Image("a.com:5000/x/y:1.2", digest),
        Image("plain", digest),
        Image("bare:1"),
        Image(f"z@{digest}", digest),
    )
    assert pinned_images([replace(TRAIN, images=images)]) == {
        "a.com:5000/x/y:1.2": f"a.com:5000/x/y@{digest}",
        "plain": f"plain@{digest}",
    }
