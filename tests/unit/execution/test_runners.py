"""The runners, the step table and the language's table agree."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from inspect import getmembers, isabstract, isclass
from pkgutil import iter_modules

import pytest

from airflow_sagemaker_mlops.definition.step_types import AIRFLOW, STEP_SYNTAX
from airflow_sagemaker_mlops.execution import runners
from airflow_sagemaker_mlops.execution.engine import runner_of
from airflow_sagemaker_mlops.execution.runners.base import Runner, WaitingRunner
from airflow_sagemaker_mlops.steps.catalogue import STEP_TYPES, entry_of
from airflow_sagemaker_mlops.steps.control import AIRFLOW_OPERATOR
from airflow_sagemaker_mlops.steps.model import StepType

ENTRIES = [*STEP_TYPES.values(), AIRFLOW_OPERATOR]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_type_that_waits_has_a_runner_that_waits(entry: StepType) -> None:
    assert isinstance(runner_of(entry), WaitingRunner) == entry.syntax.waits


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_what_a_runner_calls_is_in_the_entry(entry: StepType) -> None:
    runner = runner_of(entry)
    assert not runner.is_named or entry.name_key
    assert not runner.is_job or (entry.describe and entry.status_key and entry.terminal)
    assert not runner.makes_named_jobs or entry.stop
    assert (runner.request_from == "settings") == bool(entry.settings)
    assert runner.request_from != "call" or entry.arguments_are_request


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_keys_of_a_step_that_an_entry_names_are_those_of_the_language(entry: StepType) -> None:
    targets = {entry.target.key} if entry.target is not None else set()
    assert targets | {*entry.settings_in_arns} | {*entry.settings} <= entry.syntax.settings | {"OutputParameters"}


def test_every_row_of_the_language_that_can_be_run_has_an_entry() -> None:
    can_be_run = {name for name, syntax in STEP_SYNTAX.items() if syntax.supported or name == AIRFLOW}
    assert {name for name in STEP_SYNTAX if entry_of(name) is not None} == can_be_run


def test_every_runner_is_used() -> None:
    modules = [import_module(f"{runners.__name__}.{found.name}") for found in iter_modules(runners.__path__)]
    classes = {one for module in modules for _, one in getmembers(module, isclass) if one.__module__ == module.__name__}
    here = {one for one in classes if issubclass(one, Runner) and not isabstract(one)}
    assert here == {type(runner_of(entry)) for entry in ENTRIES}


@pytest.mark.parametrize(
    "name", ["odd", ".odd.OddRunner", ".job.OddRunner", "nowhere.OddRunner", ".base.WaitingRunner"]
)
def test_an_entry_with_an_unknown_runner_is_reported_by_name(name: str) -> None:
    with pytest.raises(LookupError, match=f'step type Odd names the runner "{name}", which cannot be loaded: '):
        runner_of(StepType(name="Odd", runner=name))


def test_one_object_serves_every_step_whether_its_class_is_named_shortly_or_by_its_path() -> None:
    entry = STEP_TYPES["Processing"]
    assert runner_of(entry) is runner_of(replace(entry, runner=f"{runners.__name__}.job.JobRunner"))
