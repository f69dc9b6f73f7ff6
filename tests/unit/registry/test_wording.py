"""Texts that fit into the registry; limits from botocore's model of UpdateModelPackage."""

from __future__ import annotations

import botocore.session
import pytest

from airflow_sagemaker_mlops.registry.wording import (
    MAX_DESCRIPTION,
    MAX_METADATA,
    fitted,
    is_metadata,
    metadata_value,
)

SHAPES = botocore.session.Session().get_service_model("sagemaker").shape_for


def test_the_limits_are_those_of_the_api() -> None:
    assert (
        SHAPES("ApprovalDescription").metadata["max"] == SHAPES("StageDescription").metadata["max"] == MAX_DESCRIPTION
    )
    assert SHAPES("CustomerMetadataMap").value.metadata["max"] == MAX_METADATA


def test_a_long_text_is_cut_after_a_sentence_and_marked() -> None:
    text = "AUC 0.68 against 0.64: better. " * 60
    cut = fitted(text)
    assert len(cut) <= MAX_DESCRIPTION
    assert cut.endswith("better. …")
    assert fitted("x" * 2000) == "x" * 1022 + "…"
    assert fitted("one\n\ntwo ") == "one two"


@pytest.mark.parametrize("text", ["better, by 95 %", "a" * 257, "", "tab\there"])
def test_what_no_metadata_value_takes_is_replaced(text: str) -> None:
    assert not is_metadata(text)
    value = metadata_value(text)
    assert not value or is_metadata(value)
