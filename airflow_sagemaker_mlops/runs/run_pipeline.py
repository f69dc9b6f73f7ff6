"""``run_pipeline`` and ``rehearse``: run a pipeline in this process, for notebooks, tests and CI."""

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
    definition: object,
    parameters: Mapping[str, object] | None = None,
    *,
    name: str | None = None,
    aws_conn_id: str | None = None,
    region_name: str | None = None,
    session: object = None,
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

    The steps run on the embedded AWS unless ``aws_conn_id`` or ``session`` names an account.  A failed run is
    returned, not raised: see ``RunResult.raise_for_status``.  Prints nothing.

    :param definition: file (JSON or YAML), JSON or YAML text, dict, or a pipeline object of the SageMaker SDK
    :param parameters: values by name; missing ones get their defaults, or in a resumed run the values of that run
    :param name: name of the pipeline, under which its runs are recorded; default: that of the file or SDK object
    :param aws_conn_id: Airflow connection of the account to run on
    :param region_name: region if the connection or the session names none
    :param session: boto3 session of the account to run on
    :param state_dir: state folder of the embedded AWS; ``None`` for the default
    :param records: location of the records, ``s3://bucket/prefix`` or a folder; "off" for none; default: in the
        embedded AWS, or for an account a local folder, where no step is taken from the cache
    :param cache: ``True`` to follow the steps' ``CacheConfig``, ``False`` to run every step
    :param select: run only these steps, names or globs; "+Name" adds everything upstream, "Name+" downstream
    :param source_run: with ``select``, the run that provides the upstream results; default: the latest
    :param resume: run to resume, or "latest": runs what did not succeed in it, and everything downstream
    :param stubs: stub results: "auto" to generate them, a file, or a table ``{step: {"Properties": ...}}``.
        Such a run is not recorded, and starts the embedded AWS only if a step needs it
    :param branches: with ``stubs``, the branch of a Condition to take, ``{"Gate": "if"}`` or "else"
    :param max_parallel_steps: maximum number of steps that run at once; 0 for no limit
    :param prices: price list of instances, a YAML file or :class:`Prices`; adds the cost to record and result
    :param publish: whether to first run the ``publish.py`` in the definition's folder, on the embedded AWS
    :param compare_again: if another run promotes a champion during this one's comparison, run again from the step that
        reads the champion, at most this many times; the result is that of the last run
    :param observer: receives progress during the run

    :raises PipelineError: with every problem of the definition, the parameters or the selection
    :raises RunError: if the arguments are unusable; nothing was started.  ``ValueError`` for a file
    :raises RecordError: if the records cannot be read
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
    definition: object,
    parameters: Mapping[str, object] | None = None,
    *,
    stubs: StrPath | Mapping[str, Any] = AUTO,
    name: str | None = None,
    state_dir: StrPath | None = None,
    observer: RunObserver | None = None,
) -> tuple[RunResult, ...]:
    """Run a pipeline with stubs once per branch, to test that every reference and condition finds its values.

    Accepts the arguments and raises the errors of :func:`run_pipeline`; nothing is recorded.  ``branches`` of a result
    has the branches of that run.
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


def target_of(aws_conn_id: str | None, region_name: str | None, session: object, state_dir: StrPath | None) -> Target:
    """The AWS that the arguments name.  Raises :class:`RunError` if there are two."""
    if aws_conn_id is not None and session is not None:
        raise RunError(
            "{conn} and {session} both name an account. Leave one out.",
            conn=Argument("aws_conn_id"),
            session=Argument("session"),
        )
    return Target(aws_conn_id, region_name, session, None if state_dir is None else Path(state_dir))


def prices_of(prices: StrPath | Prices | None) -> Prices | None:
    """The price list.  Raises ``ValueError`` with a sentence for an unusable file."""
    return prices if prices is None or isinstance(prices, Prices) else read_prices(Path(prices))


def _run_id(run: str | RunResult | None) -> str | None:
    return run.run_id if isinstance(run, RunResult) else run
