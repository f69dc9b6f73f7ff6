"""``run_pipeline`` and ``rehearse``: a pipeline in this process, for notebooks, tests and CI."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..records.model.prices import Prices, read_prices
from ..records.reuse.selective_run import SelectiveRequest
from .clients import Target
from .definition_source import GivenDefinition
from .errors import Argument, RunError
from .observer import RunObserver
from .request import RunRequest
from .result import RunResult
from .run_each import run_each
from .stubs import AUTO, StubOptions

StrPath = str | os.PathLike[str]


def run_pipeline(
    definition: Any,
    parameters: Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
    aws_conn_id: str | None = None,
    region_name: str | None = None,
    session: Any = None,
    state_dir: StrPath | None = None,
    records: StrPath | None = None,
    cache: bool = True,
    select: str | Sequence[str] = (),
    source_run: str | RunResult | None = None,
    resume: str | RunResult | None = None,
    stubs: StrPath | Mapping[str, Any] | None = None,
    branches: Mapping[str, str] | None = None,
    max_parallel_steps: int = 0,
    prices: StrPath | Prices | None = None,
    publish: bool = True,
    compare_again: int = 3,
    observer: RunObserver | None = None,
) -> RunResult:
    """Run a pipeline in this process, as ``sagemaker-mlops run`` does, and wait for its end.

    The steps run on the embedded AWS unless ``aws_conn_id`` or ``session`` names an account.  A run that fails is
    returned, not raised: see ``RunResult.raise_for_status``.  Prints nothing.

    :param definition: file (JSON or YAML), JSON or YAML text, dict, or a pipeline object of the SageMaker SDK
    :param parameters: values by name; those left out have their defaults, or in a resumed run that run's values
    :param name: name of the pipeline, under which its runs are recorded; that of the file or SDK object when left out
    :param aws_conn_id: Airflow connection of the account to run on
    :param region_name: region, where the connection or the session names none
    :param session: boto3 session of the account to run on
    :param state_dir: folder of the embedded AWS's state; ``None`` for the default one
    :param records: location of the records, ``s3://bucket/prefix`` or a folder; "off" for none; in the embedded AWS
        when left out, and on an account in a folder of this machine, where no step is taken from the cache
    :param cache: ``True`` to follow the steps' ``CacheConfig``, ``False`` to run every step
    :param select: run only these steps, names or globs; "+Name": everything upstream too, "Name+": downstream
    :param source_run: with ``select``, the run whose results the steps before take; the latest when left out
    :param resume: run to resume, or "latest": runs what did not succeed in it, and everything behind that
    :param stubs: results instead of work: "auto" for ones made up, a file, or a table ``{step: {"Properties": ...}}``.
        Such a run is not recorded, and starts the embedded AWS only when a step needs it
    :param branches: with ``stubs``, the branch to take of a Condition, ``{"Gate": "if"}`` or "else"
    :param max_parallel_steps: at most so many steps at a time; 0 for any number
    :param prices: price list of instances, a YAML file or :class:`Prices`; the record and the result have the cost then
    :param publish: whether to run ``publish.py`` beside the definition's file first, on the embedded AWS
    :param compare_again: if another run promotes a champion during this one's comparison, run again from the step that
        reads the champion, at most so often; the result is that of the last run
    :param observer: told of what happens while it happens

    :raises PipelineError: with every problem, where the definition, the parameters or the selection cannot be used
    :raises RunError: where the arguments cannot be used; nothing was started then.  ``ValueError`` for a file
    :raises RecordError: where the records cannot be read
    :raises KeyboardInterrupt: after Ctrl-C, once the jobs are stopped and the record is sealed
    """
    wanted = [select] if isinstance(select, str) else list(select)
    request = RunRequest(
        source=GivenDefinition(definition),
        parameters=parameters or {},
        name=name,
        target=target_of(aws_conn_id, region_name, session, state_dir),
        records=None if records is None else os.fspath(records),
        cache=cache,
        selective=SelectiveRequest(wanted, _run_id(source_run), _run_id(resume) or ""),
        stubs=StubOptions(stubs, branches or {}),
        max_parallel_steps=max_parallel_steps,
        prices=prices_of(prices),
        publishes=publish,
        on_demand=stubs is not None,
        compare_again=compare_again,
    )
    return run_each(request, observer or RunObserver())[-1]


def rehearse(
    definition: Any,
    parameters: Mapping[str, Any] | None = None,
    *,
    stubs: StrPath | Mapping[str, Any] = AUTO,
    name: str | None = None,
    state_dir: StrPath | None = None,
    observer: RunObserver | None = None,
) -> tuple[RunResult, ...]:
    """Run a pipeline with stubs once for every branch: whether every reference and condition finds what it reads.

    Takes and raises what :func:`run_pipeline` does; nothing is recorded.  Which branches a run took is in its
    ``branches``.
    """
    request = RunRequest(
        source=GivenDefinition(definition),
        parameters=parameters or {},
        name=name,
        target=target_of(None, None, None, state_dir),
        stubs=StubOptions(stubs, all_branches=True),
        on_demand=True,
    )
    return tuple(run_each(request, observer or RunObserver()))


def target_of(aws_conn_id: str | None, region_name: str | None, session: Any, state_dir: StrPath | None) -> Target:
    """The AWS that the arguments name.  Raises :class:`RunError` for two of them."""
    if aws_conn_id is not None and session is not None:
        raise RunError(
            "{conn} and {session} both name an account. Leave one out.",
            conn=Argument("aws_conn_id"),
            session=Argument("session"),
        )
    return Target(aws_conn_id, region_name, session, None if state_dir is None else Path(state_dir))


def prices_of(prices: StrPath | Prices | None) -> Prices | None:
    """The price list.  Raises ``ValueError`` with a sentence for a file that cannot be used."""
    return prices if prices is None or isinstance(prices, Prices) else read_prices(Path(prices))


def _run_id(run: str | RunResult | None) -> str | None:
    return run.run_id if isinstance(run, RunResult) else run
