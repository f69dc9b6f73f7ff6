"""Our own definitions in ``tests/pipelines/valid`` use every feature that real ones do, so a public clone tests it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from language_features import features

from airflow_sagemaker_mlops.cli import check
from airflow_sagemaker_mlops.cli.sources import Source
from airflow_sagemaker_mlops.definition import load_pipeline
from airflow_sagemaker_mlops.definition.problems import PipelineError
from airflow_sagemaker_mlops.definition.step_types import SUPPORTED

VALID = sorted((Path(__file__).parents[2] / "pipelines" / "valid").glob("*.json"))


def ours() -> set[str]:
    return set().union(*(features(json.loads(file.read_text())) for file in VALID))


def test_real_definitions_have_no_feature_that_ours_lack(corpus: Path) -> None:
    have, lacking = ours(), {}
    for file in sorted(corpus.glob("*.json")):
        try:
            load_pipeline(file)
        except PipelineError:
            continue
        for feature in features(json.loads(file.read_text())) - have:
            lacking.setdefault(feature, file.name)
    assert lacking == {}


def test_ours_have_every_step_type_and_what_no_real_one_has_yet() -> None:
    found = ours()
    types = {feature.removeprefix("step: ").partition(" in a ")[0] for feature in found if feature.startswith("step: ")}
    assert types >= {name for name in SUPPORTED if not name.startswith("x-")}  # the others are this package's own
    assert found >= {
        *(f"depends: {trigger}" for trigger in ("Completed", "Failed", "Stopped", "Any")),
        *("loop: MaxBy", "loop: MinBy", "loop: over a list", "loop: over an expression (Get)"),
        *("get: ForEach", "get: IterationOutput", "get: ForEach.IterationOutputs", "get: ForEach.Selected"),
        *("output parameter: Integer", "output parameter: Float", "output parameter: no type"),
        *("parameter: EnumValues", "parameter: Description"),
    }


@pytest.mark.parametrize("file", VALID, ids=lambda file: file.stem)
def test_check_finds_no_error_in_ours(file: Path) -> None:
    assert [problem for problem in check.problems_of(Source(str(file))) if problem.severity == "error"] == []
