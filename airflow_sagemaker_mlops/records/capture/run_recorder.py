"""Seals the record of a run from the records of its steps."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version

from ...json_types import JsonObject
from ...plan.model import Plan
from ..model.prices import Prices
from ..model.record import Parameter, assemble
from ..model.run_info import RunInfo
from ..model.secrets import secrets_of_parameters
from ..model.step_record import StepRecord
from ..seal.prefetch import SealPrefetch
from ..seal.seal import Sealed, read_step_records, seal
from ..seal.signing import Signer
from ..store.protocol import Store
from .image_digests import Digests

PACKAGES = ("apache-airflow", "airflow-sagemaker-mlops", "boto3")


def seal_run(
    store: Store,
    plan: Plan,
    run: RunInfo,
    *,
    parameters: Mapping[str, Parameter],
    document: JsonObject | None = None,
    source_kind: str = "unknown",
    ends: Mapping[str, str] | None = None,
    step_records: Sequence[StepRecord] | None = None,
    approvals: Sequence[Mapping[str, object]] = (),
    prices: Prices | None = None,
    digests: Digests | None = None,
    prefetch: SealPrefetch | None = None,
    signer: Signer | None = None,
) -> Sealed:
    """Assemble the record and seal it; also for failed and stopped runs.  Idempotent.

    document       the definition, stored unchanged
    ends           status of the steps that left no record
    step_records   the steps' records if the caller has them; otherwise they are read from the store
    prices         of instances, if the user gave any
    digests        of images; without it, no registry is asked
    prefetch       parts of sealing that are already done
    signer         signs the record, if the user gave a key
    """
    secrets = secrets_of_parameters({name: given.value for name, given in parameters.items()})
    prefetch = prefetch or SealPrefetch(store, run.dag_id, document or {}, secrets)
    with ThreadPoolExecutor(max_workers=1) as writer:
        to_copy = document is not None and prefetch.definition is None
        copying = writer.submit(prefetch.copy_definition) if to_copy else None
        steps = read_step_records(store, run.dag_id, run.run_id) if step_records is None else step_records
        if digests is not None:
            steps = digests.added(steps)
        if prefetch.heads is None:
            prefetch.find_heads()  # last, because they may change
        if copying is not None:
            copying.result()
    record = assemble(
        plan,
        run,
        parameters=parameters,
        step_records=steps,
        ends=ends,
        definition=prefetch.definition,
        source_kind=source_kind,
        approvals=approvals,
        prices=prices,
    )
    return seal(store, record, prefetch.heads, signer)


def versions() -> dict[str, str]:
    """Versions of the installed packages and of Python."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def parameters_of(plan: Plan, given: Mapping[str, object], source: str) -> dict[str, Parameter]:
    """All parameters with their values; ``source`` is the origin of the ``given`` ones, the others are defaults."""
    return {
        p.name: Parameter(given[p.name], source) if p.name in given else Parameter(p.default, "default")
        for p in plan.parameters
    }
