"""The built-in XGBoost algorithm: channels and hyperparameters in, ``xgboost-model`` out.

The job's interpreter runs this file by path: it imports nothing of the package.  CSV has the label first and no header.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from types import ModuleType

ROOT = "/opt/ml"
NOT_FOR_BOOSTER = {
    "num_round",
    "early_stopping_rounds",
    "csv_weights",
    "nfold",
    "rate_drop_weights",
    "_tuning_objective_metric",
}


def main() -> None:
    """Train a model."""
    import numpy as np
    import xgboost as xgb

    with open(f"{ROOT}/input/config/hyperparameters.json") as lines:
        given = json.load(lines)
    if "num_round" not in given:
        fail("CustomerError: the hyperparameter num_round is required")
    with open(f"{ROOT}/input/config/inputdataconfig.json") as lines:
        channels = json.load(lines)
    data = {}
    for name in ("train", "validation"):
        folder = f"{ROOT}/input/data/{name}"
        if os.path.isdir(folder):
            data[name] = read(folder, channels.get(name, {}).get("ContentType", "libsvm"), np, xgb)
    if "train" not in data:
        fail("CustomerError: the channel train is missing")
    parameters = {key: number(value) for key, value in given.items() if key not in NOT_FOR_BOOSTER}
    if isinstance(parameters.get("eval_metric"), str):
        parameters["eval_metric"] = [word.strip() for word in parameters["eval_metric"].split(",")]
    rounds = int(given["num_round"])
    stopping = int(given["early_stopping_rounds"]) if given.get("early_stopping_rounds") else None
    watched = [(matrix, name) for name, matrix in data.items()]
    if stopping and "validation" not in data:
        fail("CustomerError: early_stopping_rounds needs the channel validation")
    try:
        booster = xgb.train(
            parameters,
            data["train"],
            rounds,
            evals=watched,
            early_stopping_rounds=stopping,
            verbose_eval=False,
            callbacks=[printer(xgb)],
        )
    except (ValueError, xgb.core.XGBoostError) as error:
        fail(f"CustomerError: {str(error).splitlines()[0]}")
    # xgboost needs a file extension; the image's file has none.
    booster.save_model(f"{ROOT}/model/xgboost-model.ubj")
    os.replace(f"{ROOT}/model/xgboost-model.ubj", f"{ROOT}/model/xgboost-model")


def printer(xgb: ModuleType) -> Any:
    """A callback that prints metrics in the image's format, including its escaped tabs."""

    base: Any = xgb.callback.TrainingCallback

    class Printer(base):  # type: ignore[misc]  # xgboost is not installed where mypy runs
        def after_iteration(self, model: object, epoch: int, evals_log: dict[str, dict[str, list[float]]]) -> bool:
            words = [
                f"{name}-{metric}:{values[-1]:.5f}"
                for name, metrics in evals_log.items()
                for metric, values in metrics.items()
            ]
            print(f"[{epoch}]#011" + "#011".join(words), flush=True)
            return False

    return Printer()


def read(folder: str, kind: str, np: ModuleType, xgb: ModuleType) -> Any:
    """Read all files of a channel into one matrix."""
    files = sorted(
        os.path.join(base, name) for base, _, names in os.walk(folder) for name in names if not name.startswith(".")
    )
    if not files:
        fail(f"CustomerError: {folder} is empty")
    if "csv" not in kind:
        if len(files) > 1:
            fail("CustomerError: several libsvm files in a channel are not available in the embedded AWS")
        return xgb.DMatrix(f"{files[0]}?format=libsvm")
    try:
        # An empty field is a missing value, as in the CSV parser of XGBoost
        filled = {
            "delimiter": ",",
            "ndmin": 2,
            "dtype": np.float32,
            "converters": lambda text: float(text.strip() or "nan"),
        }
        rows = np.concatenate([np.loadtxt(name, **filled) for name in files])
    except ValueError as error:
        fail(f"CustomerError: {folder} is not CSV of numbers without a header: {error}")
    return xgb.DMatrix(rows[:, 1:], label=rows[:, 0])


def number(text: str) -> Any:
    """A hyperparameter as an int or a float if possible, else as text."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def fail(message: str) -> NoReturn:
    """Write the message to the failure file and exit with an error."""
    os.makedirs(f"{ROOT}/output", exist_ok=True)
    with open(f"{ROOT}/output/failure", "w") as out:
        out.write(message)
    print(message, file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
