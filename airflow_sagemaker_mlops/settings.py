"""The package's options in Airflow's configuration, section ``[sagemaker_mlops]``, and what values options may have."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal, cast

from airflow.sdk.definitions._internal.types import ArgNotSet

from .definition.problems import InvalidPipeline, Problem

SECTION = "sagemaker_mlops"
CODE = "SM165"  # of an option that has a value it cannot have
OFF = "off"
YES, NO = ("true", "t", "yes", "y", "on", "1"), ("false", "f", "no", "n", "off", "0", "")
StartIn = Literal["triggerer", "worker"]
OnInvalid = Literal["import_error", "placeholder"]
START_IN: tuple[StartIn, ...] = ("triggerer", "worker")
LOGS = ("end", "live", "off")
_VALUES: dict[str, Sequence[Any]] = {"start_in": START_IN, "logs": LOGS, "retry_failed_steps": (True, False)}
_NUMBERS = {"poll_interval_s": "a number of seconds above 0", "max_parallel_steps": "a whole number, 0 for no limit"}


def start_steps_in() -> StartIn:
    """Where steps that wait begin: ``start_steps_in`` = triggerer (no worker at all) or worker."""
    value = _get("start_steps_in", "triggerer").strip().lower()
    if value not in START_IN:
        raise ValueError(f'[{SECTION}] start_steps_in is "{value}"; use {" or ".join(START_IN)}.')
    return value


def on_invalid(given: str | None = None) -> OnInvalid:
    """What becomes of a pipeline that cannot be built: ``on_invalid`` = import_error or placeholder."""
    value = str(_get("on_invalid", "import_error") if given is None else given).strip().lower()
    if value not in ("import_error", "placeholder"):
        owner = f"[{SECTION}] on_invalid" if given is None else "on_invalid"
        raise ValueError(f'{owner} is "{value}"; use import_error or placeholder.')
    return cast("OnInvalid", value)


def poll_interval_s() -> float:
    """Longest time between two looks at a running job, in seconds: ``poll_interval_s``."""
    value = _get("poll_interval_s", "30")
    with suppress(ValueError):
        if 0 < float(value) < math.inf:
            return float(value)
    raise ValueError(f'[{SECTION}] poll_interval_s is "{value}"; use a number of seconds above 0.')


def aws_conn_id() -> str | None:
    """Connection used when an operator's argument is left out: ``aws_conn_id``; ``None`` when that is empty."""
    return _get("aws_conn_id", "aws_default").strip() or None


def connection(given: str | ArgNotSet | None) -> str | None:
    """The connection that ``given`` means: ``None`` or "" is boto3's own credential chain, as in the Amazon provider.

    Only an argument that is left out means what is configured.
    """
    return aws_conn_id() if isinstance(given, ArgNotSet) else given or None


def region_name() -> str | None:
    """Region used when neither operator nor connection names one: ``region_name``."""
    return _get("region_name", "") or None


def stubs() -> str:
    """File with declared results of steps, for rehearsals on the embedded AWS: ``stubs``; empty for none."""
    return _get("stubs", "").strip()


def records() -> str:
    """Where run records are kept, ``s3://bucket/prefix`` or a folder: ``records``; empty for none."""
    return _get("records", "").strip()


def location_of(given: str) -> str:
    """Where records are kept when the DAG says ``given``: empty for nowhere; ``records`` when ``given`` is empty."""
    location = given or records()
    return "" if location == OFF else location


def cache_input_contents() -> bool:
    """Whether a step whose inputs' contents changed under the same path runs again: ``cache_input_contents``."""
    return _yes("cache_input_contents")


def prices() -> str:
    """File with what an hour of each instance type costs: ``prices``; empty for none."""
    return _get("prices", "").strip()


def fail_on_record_error() -> bool:
    """Whether a run fails when its record cannot be written: ``fail_on_record_error``."""
    return _yes("fail_on_record_error")


def image_digests() -> bool:
    """Whether ECR is asked for the digests of images when a run is recorded: ``image_digests``."""
    return _yes("image_digests", "True")


def signing_key() -> str:
    """Key that records are signed with, a PEM file or ``awskms:<key>``: ``signing_key``; empty for none."""
    return _get("signing_key", "").strip()


def anchor_models() -> bool:
    """Whether the hash of a run's record is written onto the models it registered: ``anchor_models``."""
    return _yes("anchor_models")


def lineage() -> bool:
    """Whether recorded runs are written into SageMaker Lineage: ``lineage``."""
    return _yes("lineage")


def allowed_operators() -> tuple[str, ...]:
    """Globs of dotted paths that x-airflow steps may name: ``allowed_operators``; empty for any."""
    return tuple(_get("allowed_operators", "").replace(",", " ").split())


def _yes(option: str, fallback: str = "False") -> bool:
    word = _get(option, fallback).strip().lower()
    if word not in (*YES, *NO):
        raise ValueError(f'[{SECTION}] {option} is "{word}"; use True or False.')
    return word in YES


def _get(option: str, fallback: str) -> str:
    from .airflow_versions import configuration

    _refuse_unknown_options()
    return str(configuration().get(SECTION, option, fallback=fallback))


@functools.cache
def _refuse_unknown_options() -> None:
    """Once a process: a misspelt option would mean its default, silently."""
    from .airflow_versions import configuration
    from .provider_info import get_provider_info

    known = get_provider_info()["config"][SECTION]["options"]
    for option in configuration().getsection(SECTION) or {}:
        if option not in known and option.removesuffix("_cmd").removesuffix("_secret") not in known:
            from .definition.problems import did_you_mean

            raise ValueError(f'[{SECTION}] has no option "{option}". {did_you_mean(option, known)}'.strip())


def check_choices(options: Mapping[str, Any], owner: str) -> None:
    """Raise :class:`InvalidPipeline` (SM165) for each option that has a value it cannot have; ``None`` is left out."""
    if problems := problems_of(options):
        raise InvalidPipeline(owner, problems)


def problems_of(options: Mapping[str, Any], where: str = "") -> list[Problem]:
    """What is wrong with the values of ``options``, whose place is ``where``; other options are not looked at."""
    return [
        Problem(CODE, f"{where}.{name}".lstrip("."), f"{name} is {_shown(options[name])}.", fix)
        for name in (*_VALUES, *_NUMBERS)
        if options.get(name) is not None and (fix := _fix(name, options[name]))
    ]


def _fix(name: str, value: Any) -> str:
    """What to write instead of ``value``; empty where it is one of those that ``name`` can have."""
    if name in _NUMBERS:
        return "" if _is_number(name, value) else f"Use {_NUMBERS[name]}."
    if any(value is one or (isinstance(value, str) and value == one) for one in _VALUES[name]):
        return ""
    return f"Use {' or '.join(_shown(one) for one in _VALUES[name])}."


def _is_number(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if name == "max_parallel_steps":
        return isinstance(value, int) and value >= 0
    return isinstance(value, int | float) and math.isfinite(value) and value > 0


def _shown(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)
