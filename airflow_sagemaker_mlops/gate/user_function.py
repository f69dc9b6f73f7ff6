"""Loads a user's metric function: ``module:function`` or ``file.py:function``."""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .problems import BadPredictions, alike

if TYPE_CHECKING:
    from numpy.typing import NDArray


def load_function(metric: str, folder: Path | None = None) -> Callable[[Any, Any], float]:
    """The function as one of (labels, scores), both (n,) numbers, that returns a number.

    folder   folder of a relative file; default: the working directory
    Raises :class:`BadPredictions` if the function does not exist, fails, or returns anything else.  A
    function that ends the program fails, too: its exit code would be taken for a verdict.
    """
    home, _, name = metric.rpartition(":")
    try:
        module = _from_file((folder or Path()) / home) if home.endswith(".py") else importlib.import_module(home)
    except (Exception, SystemExit) as error:
        raise BadPredictions([f'the metric "{metric}" cannot be loaded: {_reason(error)}.']) from error
    function = getattr(module, name, None)
    if not callable(function):
        near = alike(name, [other for other, one in vars(module).items() if callable(one) and other[0] != "_"])
        hint = f' Did you mean "{near}"?' if near else ""
        raise BadPredictions([f'{home} has no function "{name}".{hint}'])

    def call(labels: NDArray[Any], scores: NDArray[Any]) -> float:
        try:
            value = float(function(labels, scores))
        except (Exception, SystemExit) as error:
            raise BadPredictions([f'the metric "{metric}" failed: {_reason(error)}.']) from error
        return value if math.isfinite(value) else math.nan

    call.__name__ = metric
    return call


def value_of_all(function: Callable[[Any, Any], float], label: NDArray[Any], scores: NDArray[Any]) -> float:
    """The function's value on all records, which it gets as copies: it may sort or scale its arguments in place.

    Raises :class:`BadPredictions` for a function of chance, whose verdict would differ from one run to the next.
    """
    first, again = function(label.copy(), scores.copy()), function(label.copy(), scores.copy())
    both_undefined = math.isnan(first) and math.isnan(again)
    if not both_undefined and not math.isclose(first, again, rel_tol=1e-9):
        name = getattr(function, "__name__", "of a function")
        what = f'the metric "{name}" gives {first:g} and then {again:g} for the same records'
        raise BadPredictions([f"{what}, so its verdict would be chance. Give its random numbers a fixed seed."])
    return first


def _from_file(file: Path) -> Any:
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {file}")
    spec = importlib.util.spec_from_file_location(f"gate_metric_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is not Python code")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _reason(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"it ends the program (exit code {error.code})"
    text = str(error).strip().rstrip(".") or type(error).__name__
    return text if isinstance(error, (ImportError, FileNotFoundError)) else f"{type(error).__name__}: {text}"
