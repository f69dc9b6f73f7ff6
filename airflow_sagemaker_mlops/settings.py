"""The package's options in Airflow's configuration, section ``[sagemaker_mlops]``, and the values they may have."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal, cast

from airflow.sdk.definitions._internal.types import ArgNotSet

from .definition.problems import InvalidPipeline, Problem
from .settings_table import OPTIONS, SECTION

CODE = "SM165"  # an option has an invalid value
OFF = "off"
YES, NO = ("true", "t", "yes", "y", "on", "1"), ("false", "f", "no", "n", "off", "0", "")
StartIn = Literal["triggerer", "worker"]
OnInvalid = Literal["import_error", "placeholder"]
START_IN: tuple[StartIn, ...] = ("triggerer", "worker")
LOGS = ("end", "live", "off")
_VALUES: dict[str, Sequence[Any]] = {"start_in": START_IN, "logs": LOGS, "retry_failed_steps": (True, False)}
_NUMBERS = {"poll_interval_s": "a number of seconds above 0", "max_parallel_steps": "a whole number, 0 for no limit"}
_PLACE = 's3://bucket/prefix, a folder, or "off"'


def start_steps_in() -> StartIn:
    """Where steps with jobs start: ``start_steps_in`` = triggerer (without a worker) or worker."""
    value = _get("start_steps_in").strip().lower()
    if value not in START_IN:
        raise ValueError(f'[{SECTION}] start_steps_in is "{value}"; use {" or ".join(START_IN)}.')
    return value


def on_invalid(given: str | None = None) -> OnInvalid:
    """What to do with a pipeline that cannot be built: ``on_invalid`` = import_error or placeholder."""
    value = str(_get("on_invalid") if given is None else given).strip().lower()
    if value not in ("import_error", "placeholder"):
        owner = f"[{SECTION}] on_invalid" if given is None else "on_invalid"
        raise ValueError(f'{owner} is "{value}"; use import_error or placeholder.')
    return cast("OnInvalid", value)


def poll_interval_s() -> float:
    """Maximum interval between polls of a running job, in seconds: ``poll_interval_s``."""
    value = _get("poll_interval_s")
    with suppress(ValueError):
        if 0 < float(value) < math.inf:
            return float(value)
    raise ValueError(f'[{SECTION}] poll_interval_s is "{value}"; use a number of seconds above 0.')


def aws_conn_id() -> str | None:
    """Default connection of operators: ``aws_conn_id``; ``None`` if that is empty."""
    return _get("aws_conn_id").strip() or None


def connection(given: str | ArgNotSet | None) -> str | None:
    """The connection that ``given`` means: ``None`` or "" is boto3's credential chain, as in the Amazon provider.

    Only an omitted argument means the configured connection.
    """
    return aws_conn_id() if isinstance(given, ArgNotSet) else given or None


def region_name() -> str | None:
    """Region if neither the operator nor the connection names one: ``region_name``."""
    return _get("region_name") or None


def stage() -> str:
    """Stage whose configuration applies to DAGs that have stages: ``stage``; empty for none."""
    return _get("stage").strip()


def stubs() -> str:
    """File with stub results of steps, for rehearsals on the embedded AWS: ``stubs``; empty for none."""
    return _get("stubs").strip()


def records() -> str:
    """Location of run records, ``s3://bucket/prefix`` or a folder: ``records``; empty for none."""
    return _get("records").strip()


def location_of(given: str) -> str:
    """Location of records if the DAG has ``given``: empty for none; ``records`` if ``given`` is empty."""
    location = given or records()
    return "" if location == OFF else location


def cache_input_contents() -> bool:
    """Whether a step runs again if the contents of its inputs changed under the same path: ``cache_input_contents``."""
    return _yes("cache_input_contents")


def prices() -> str:
    """File with the hourly price of each instance type: ``prices``; empty for none."""
    return _get("prices").strip()


def fail_on_record_error() -> bool:
    """Whether a run fails if its record cannot be written: ``fail_on_record_error``."""
    return _yes("fail_on_record_error")


def image_digests() -> bool:
    """Whether to look up image digests in ECR when a run is recorded: ``image_digests``."""
    return _yes("image_digests")


def signing_key() -> str:
    """Key for signing records, a PEM file or ``awskms:<key>``: ``signing_key``; empty for none."""
    return _get("signing_key").strip()


def anchor_models() -> bool:
    """Whether to store the hash of a run's record on the models that it registered: ``anchor_models``."""
    return _yes("anchor_models")


def model_cards() -> bool:
    """Whether to write model cards onto the candidates that a run registered: ``model_cards``."""
    return _yes("model_cards")


def lineage() -> bool:
    """Whether to write recorded runs to SageMaker Lineage: ``lineage``."""
    return _yes("lineage")


def allowed_operators() -> tuple[str, ...]:
    """Globs of dotted paths that x-airflow steps may name: ``allowed_operators``; empty for any."""
    return tuple(_get("allowed_operators").replace(",", " ").split())


def _yes(option: str) -> bool:
    word = _get(option).strip().lower()
    if word not in (*YES, *NO):
        raise ValueError(f'[{SECTION}] {option} is "{word}"; use True or False.')
    return word in YES


def _get(option: str) -> str:
    from .airflow_versions import configuration

    _refuse_unknown_options()
    return str(configuration().get(SECTION, option, fallback=OPTIONS[option].default))


@functools.cache
def _refuse_unknown_options() -> None:
    """Checked once per process: a misspelt option would silently mean its default."""
    from .airflow_versions import configuration

    for option in configuration().getsection(SECTION) or {}:
        if option not in OPTIONS and option.removesuffix("_cmd").removesuffix("_secret") not in OPTIONS:
            from .definition.problems import did_you_mean

            raise ValueError(f'[{SECTION}] has no option "{option}". {did_you_mean(option, OPTIONS)}'.strip())


def check_choices(options: Mapping[str, object], owner: str) -> None:
    """Raise :class:`InvalidPipeline` (SM165) for each option with an invalid value; ``None`` is ignored."""
    if problems := problems_of(options):
        raise InvalidPipeline(owner, problems)


def problems_of(options: Mapping[str, object], where: str = "") -> list[Problem]:
    """The problems of values in ``options``, at the place ``where``; ignores other options."""
    return [
        Problem(CODE, f"{where}.{name}".lstrip("."), f"{name} is {_shown(options[name])}.", fix)
        for name in (*_VALUES, *_NUMBERS, "records")
        if options.get(name) is not None and (fix := _fix(name, options[name]))
    ]


def _fix(name: str, value: object) -> str:
    """The fix for ``value``; empty if it is valid for ``name``."""
    if name == "records":
        return "" if _is_location(value) else f"Use {_PLACE}."
    if name in _NUMBERS:
        return "" if _is_number(name, value) else f"Use {_NUMBERS[name]}."
    if any(value is one or (isinstance(value, str) and value == one) for one in _VALUES[name]):
        return ""
    return f"Use {' or '.join(_shown(one) for one in _VALUES[name])}."


def _is_location(value: object) -> bool:
    """Whether records can be at ``value``; an empty text means the option of the configuration."""
    if not isinstance(value, str):
        return False
    scheme, is_uri, rest = value.partition("://")
    return (
        not is_uri or scheme.lower() == "file" or (scheme.lower() == "s3" and not rest.startswith("/") and rest != "")
    )


def _is_number(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return False
    if name == "max_parallel_steps":
        return isinstance(value, int) and value >= 0
    return isinstance(value, int | float) and math.isfinite(value) and value > 0


def _shown(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)
