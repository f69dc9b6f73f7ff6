"""Script mode as in sagemaker-training 5.1.4 of the framework images: code, arguments, SM_* variables."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..container.job_folder import JobError
from ..container.transfer import fetch_archive
from .container_contract import HOST

if TYPE_CHECKING:
    from .training_request import TrainingRequest

CODE = "/opt/ml/code"
EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Interrupt|Exit)\b")
MAX_MESSAGE, MAX_REASON = 600, 980


def program_of(training: TrainingRequest) -> str:
    """The file name of the script; empty if the job is not in script mode."""
    given = decoded(training.hyperparameters).get("sagemaker_program")
    return str(given or (training.request.get("Environment") or {}).get("SAGEMAKER_PROGRAM") or "")


def unpack_code(training: TrainingRequest) -> None:
    """Unpack the submitted tarball to /opt/ml/code, unless that folder has files already."""
    target = training.job_folder.at(CODE)
    uri = decoded(training.hyperparameters).get("sagemaker_submit_directory") or (
        training.request.get("Environment") or {}
    ).get("SAGEMAKER_SUBMIT_DIRECTORY")
    if any(target.iterdir()) or not uri:
        return
    if str(uri).startswith("/opt/ml/"):
        source = training.job_folder.at(str(uri))
        for path in source.rglob("*"):
            if path.is_file():
                copy = target / path.relative_to(source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(path.read_bytes())
    else:
        fetch_archive(training.job_folder, str(uri), target)
    training.sandbox.rewrite_code(target)


def decoded(hyperparameters: dict[str, str]) -> dict[str, Any]:
    """The hyperparameters with values parsed as JSON: ``"50"`` is 50; a value that is not JSON stays a string."""
    values: dict[str, Any] = {}
    for key, text in hyperparameters.items():
        try:
            values[key] = json.loads(text)
        except (TypeError, ValueError):
            values[key] = text
    return values


def user_hyperparameters(training: TrainingRequest) -> dict[str, Any]:
    """The hyperparameters that the script receives: all but the toolkit's own, whose names begin with "sagemaker_"."""
    return {key: value for key, value in decoded(training.hyperparameters).items() if not key.startswith("sagemaker_")}


def arguments(values: Mapping[str, object]) -> list[str]:
    """``--key value`` for every hyperparameter, sorted by key; a key of one letter gets one dash."""
    words: list[str] = []
    for key in sorted(values):
        value = values[key]
        text = ",".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else str(value)
        words += [f"-{key}" if len(key) == 1 else f"--{key}", text]
    return words


def command(training: TrainingRequest) -> list[str]:
    """The command that installs the requirements, if any, and runs the user's program."""
    program = program_of(training)
    code = training.job_folder.at(CODE)
    if not (code / program).is_file():
        raise JobError(f"ClientError: the entry point {program} is not in the submitted code")
    words = arguments(user_hyperparameters(training))
    python = str(training.job_folder.path / "bin" / "python")
    if program.endswith(".sh"):
        run = ["/bin/sh", f"./{program}", *words]
    elif program.endswith(".py"):
        run = [python, program, *words]
    else:
        run = [f"./{program}", *words]
    if (code / "requirements.txt").is_file():
        pip = str(training.job_folder.path / "bin" / "pip")
        return ["/bin/sh", "-c", '"$0" install -r requirements.txt && exec "$@"', pip, *run]
    return run


def failure(training: TrainingRequest, exit_code: int) -> str:
    """The text that the toolkit writes to /opt/ml/output/failure for a failed script (sagemaker-training 5.1).

    Its ErrorMessage is the part of standard error that begins with a Python exception.
    """
    program = " ".join(["python", program_of(training), *arguments(user_hyperparameters(training))])
    lines = list(training.log.tail)
    begins = next((i for i in range(len(lines) - 1, -1, -1) if EXCEPTION.match(lines[i])), len(lines))
    message = "\n".join(lines[begins:])[:MAX_MESSAGE]
    return f'ExecuteUserScriptError:\nExitCode {exit_code}\nErrorMessage "{message}"\nCommand "{program}"'[:MAX_REASON]


def environment(training: TrainingRequest) -> dict[str, str]:
    """The SM_* variables, formatted as by the toolkit."""
    values = user_hyperparameters(training)
    program = program_of(training)
    resources = training.resource_config()
    channels = [channel["ChannelName"] for channel in training.channels]
    module = program.removesuffix(".py")
    submit = decoded(training.hyperparameters).get("sagemaker_submit_directory", "")
    level = decoded(training.hyperparameters).get("sagemaker_container_log_level", 20)
    names: dict[str, Any] = {
        "MODEL_DIR": "/opt/ml/model",
        "INPUT_DIR": "/opt/ml/input",
        "INPUT_CONFIG_DIR": "/opt/ml/input/config",
        "OUTPUT_DIR": "/opt/ml/output",
        "OUTPUT_DATA_DIR": "/opt/ml/output/data",
        "OUTPUT_INTERMEDIATE_DIR": "/opt/ml/output/intermediate",
        "CHANNELS": channels,
        "HPS": values,
        "USER_ARGS": arguments(values),
        "USER_ENTRY_POINT": program,
        "MODULE_NAME": module,
        "MODULE_DIR": submit,
        "HOSTS": [HOST],
        "CURRENT_HOST": HOST,
        "CURRENT_INSTANCE_TYPE": resources["current_instance_type"],
        "CURRENT_INSTANCE_GROUP": resources["current_group_name"],
        "CURRENT_INSTANCE_GROUP_HOSTS": [HOST],
        "INSTANCE_GROUPS": [resources["current_group_name"]],
        "INSTANCE_GROUPS_DICT": {resources["current_group_name"]: resources["instance_groups"][0]},
        "DISTRIBUTION_INSTANCE_GROUPS": [],
        "IS_HETERO": False,
        "NUM_CPUS": os.cpu_count() or 1,
        "NUM_GPUS": 0,
        "NUM_NEURONS": 0,
        "LOG_LEVEL": level,
        "NETWORK_INTERFACE_NAME": resources["network_interface_name"],
        "RESOURCE_CONFIG": resources,
        "INPUT_DATA_CONFIG": {name: {"TrainingInputMode": "File"} for name in channels},
        "FRAMEWORK_MODULE": "",
        "FRAMEWORK_PARAMS": {},
    }
    names["TRAINING_ENV"] = {
        "channel_input_dirs": {name: f"/opt/ml/input/data/{name}" for name in channels},
        "current_host": HOST,
        "hosts": [HOST],
        "hyperparameters": values,
        "job_name": training.job_folder.name,
        "model_dir": "/opt/ml/model",
        "module_dir": submit,
        "module_name": module,
        "output_data_dir": "/opt/ml/output/data",
        "output_dir": "/opt/ml/output",
        "resource_config": resources,
        "user_entry_point": program,
    }
    variables = {f"SM_{key}": _text(value) for key, value in names.items()}
    variables |= {f"SM_CHANNEL_{name.upper()}": f"/opt/ml/input/data/{name}" for name in channels}
    variables |= {f"SM_HP_{key.upper()}": _text(value) for key, value in values.items()}
    return variables


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), sort_keys=True)
