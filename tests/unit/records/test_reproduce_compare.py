"""Differences from a record, before and after a reproduction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from record_examples import DECIDE, SHA, TRAIN, record

from airflow_sagemaker_mlops.records.model.errors import RecordError
from airflow_sagemaker_mlops.records.model.step_record import Artifact, Code
from airflow_sagemaker_mlops.records.reproduce.compare import (
    changed_meanwhile,
    compared,
    differences,
    stored_definition,
    unpinned_images,
    what_changed,
)
from airflow_sagemaker_mlops.records.store.folder import FolderStore

OTHER = "f" * 64
BEFORE = {"TrainModel": TRAIN, "IsBetter": DECIDE}


def changes(now: Artifact, **more: Any) -> list[str]:
    document = record()
    given = {"definition_hash": document["definition"]["sha256"], "commit": None, **more}
    return list(what_changed(document, BEFORE, inspect=lambda _artifact: now, **given))


def test_nothing_has_changed_when_definition_code_and_inputs_are_as_recorded() -> None:
    commit = Code(repository="https://git.example/repo", commit="c0ffee", dirty=False)
    assert changes(TRAIN.inputs[0], commit=commit) == []


def test_everything_that_changed_is_reported_in_sentences() -> None:
    now = replace(TRAIN.inputs[0], sha256=OTHER, objects=11, bytes=1100)
    assert changes(now, definition_hash=OTHER, commit=Code(commit="decade", dirty=False)) == [
        "the definition was changed",
        "the code is at commit decade, and was at c0ffee",
        "s3://b/train of TrainModel was changed: 10 objects, 1000 bytes -> 11, 1100",
    ]


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (Artifact("s3://b/train", objects=0, sha256=OTHER), "s3://b/train of TrainModel is gone"),
        (
            Artifact("s3://b/train", problem="access denied"),
            "s3://b/train of TrainModel cannot be compared: access denied",
        ),
    ],
)
def test_an_input_that_is_gone_or_closed_is_a_change(now: Artifact, told: str) -> None:
    assert changes(now) == [told]


def test_changes_in_the_working_tree_are_told() -> None:
    told = changes(TRAIN.inputs[0], commit=Code(commit="c0ffee", dirty=True))
    assert told == ["the working tree has changes that are not in commit c0ffee"]


def test_what_a_run_made_itself_is_not_compared() -> None:
    steps = {"TrainModel": replace(TRAIN, inputs=()), "IsBetter": replace(DECIDE, inputs=TRAIN.outputs)}
    document = record()
    given = {"definition_hash": document["definition"]["sha256"], "commit": None}
    assert list(what_changed(document, steps, inspect=lambda a: replace(a, sha256=OTHER), **given)) == []


def test_an_input_that_a_reproduction_read_from_a_copy_is_compared_where_the_definition_reads_it() -> None:
    copied = replace(TRAIN, inputs=(replace(TRAIN.inputs[0], uri="s3://b/copy/train", instead_of="s3://b/train"),))
    document, looked_at = record(), []

    def look(artifact: Artifact) -> Artifact:
        looked_at.append(artifact.uri)
        return artifact

    given = {"definition_hash": document["definition"]["sha256"], "commit": None}
    assert list(what_changed(document, {"TrainModel": copied}, inspect=look, **given)) == []
    assert looked_at == ["s3://b/train"]


def test_an_input_that_was_changed_while_the_run_was_on_is_reported() -> None:
    after = {"TrainModel": replace(TRAIN, inputs=(replace(TRAIN.inputs[0], sha256=OTHER),))}
    assert list(changed_meanwhile(BEFORE, BEFORE)) == []
    assert list(changed_meanwhile(BEFORE, after)) == ["s3://b/train of TrainModel was changed during the run"]


def test_images_without_a_digest_are_named() -> None:
    bare = replace(TRAIN, images=tuple(replace(image, digest="") for image in TRAIN.images))
    assert (unpinned_images(BEFORE), unpinned_images({"TrainModel": bare})) == ([], ["image:1"])


@pytest.mark.parametrize(("mse", "tolerance", "same"), [(5.85, 0.0, True), (5.86, 0.01, True), (5.86, 0.001, False)])
def test_metrics_are_equal_within_the_tolerance(mse: float, tolerance: float, same: bool) -> None:
    after = {**BEFORE, "TrainModel": replace(TRAIN, metrics={"mse": mse})}
    assert differences(BEFORE, after, tolerance) == ([] if same else [f"TrainModel: mse 5.85 -> {mse}"])


def test_ends_missing_metrics_and_decisions_count_as_differences() -> None:
    term = {"Text": "0.8 > 0.9", "Op": "GreaterThan", "Left": 0.8, "Right": 0.9, "Result": False}
    decided = replace(DECIDE, decision={"Outcome": False, "Terms": [term], "Sentence": ""})
    assert differences(
        BEFORE, {"IsBetter": decided, "TrainModel": replace(TRAIN, status="Failed", metrics={})}, 0.0
    ) == [
        "TrainModel Succeeded -> Failed",
        "TrainModel: mse is missing",
        "IsBetter: outcome True -> False",
        "IsBetter: left side of comparison 1 0.97 -> 0.8",
    ]
    assert compared(BEFORE) == 4


def test_steps_that_were_not_selected_are_no_difference() -> None:
    assert differences({"TrainModel": replace(TRAIN, status="NotSelected", metrics={})}, BEFORE, 0.0) == []


def test_a_definition_that_was_not_kept_or_was_masked_cannot_be_pinned(folder: FolderStore) -> None:
    document = record()
    with pytest.raises(RecordError, match="has no copy"):
        stored_definition(folder, document)
    masked = {**document["definition"], "copy": {"uri": "u", "sha256": SHA, "masked": True}}
    with pytest.raises(RecordError, match="had secrets"):
        stored_definition(folder, {**document, "definition": masked})
