"""The keywords of a pipeline are the same, whether it is a DAG or a task group."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import Any

import pytest

from airflow_sagemaker_mlops import SageMakerPipelineDag, SageMakerPipelineTaskGroup
from airflow_sagemaker_mlops.factory.options import PipelineOptions


def keywords(of: type) -> dict[str, tuple[Any, Any]]:
    """Default and annotation of each keyword that ``of`` names."""
    parameters = inspect.signature(of.__init__).parameters.values()
    named = [one for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY]
    return {one.name: (one.default, one.annotation) for one in named}


@pytest.mark.parametrize("way_in", [SageMakerPipelineDag, SageMakerPipelineTaskGroup])
def test_both_ways_in_have_the_options_of_a_pipeline(way_in: type) -> None:
    assert {name: annotation for name, (_, annotation) in keywords(way_in).items()} == {
        one.name: one.type for one in fields(PipelineOptions)
    }


def test_both_ways_in_have_the_same_defaults() -> None:
    assert keywords(SageMakerPipelineDag) == keywords(SageMakerPipelineTaskGroup)
