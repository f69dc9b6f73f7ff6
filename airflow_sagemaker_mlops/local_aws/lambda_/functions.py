"""Lambda's Invoke: runs the function's handler in its own process, which calls the embedded AWS as its AWS."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...paths import UnsafePath, inside
from ..errors import AwsError, not_available
from ..moto_backend import lambda_function
from ..processes import end_group
from ..state import LocalAws

if TYPE_CHECKING:
    from moto.awslambda.models import LambdaFunction

MIN_TIMEOUT_S = 30.0  # on a busy laptop, importing boto3 takes longer than Lambda's default of 3 s
LOG_TAIL = 4096
MAX_UNPACKED = 262_144_000  # bytes: Lambda's quota

# Runs in the function's process: stdout is the log, a file takes the answer.
_BOOTSTRAP = """
import importlib, json, os, sys, traceback
root, handler, answer = sys.argv[1:4]
sys.path.insert(0, root)
os.chdir(root)
class Context:
    function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
    invoked_function_arn = os.environ["_LOCAL_ARN"]
    memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
    aws_request_id = os.environ["_LOCAL_REQUEST_ID"]
    log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
    log_stream_name = "local"
    def get_remaining_time_in_millis(self):
        import time
        return max(0, int((float(os.environ["_LOCAL_DEADLINE"]) - time.time()) * 1000))
event = json.load(sys.stdin)
try:
    module, _, name = handler.rpartition(".")
    function = getattr(importlib.import_module(module.replace("/", ".")), name)
    result = {"result": function(event, Context())}
    text = json.dumps(result)
except BaseException as error:
    traceback.print_exc()
    stack = traceback.format_tb(error.__traceback__)
    text = json.dumps({"error": {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": stack}})
with open(answer, "w") as out:
    out.write(text)
"""


@dataclass(frozen=True, slots=True)
class Invocation:
    """The result of one call of a function.

    error   empty, or "Unhandled" for a raised exception or a timeout
    """

    payload: bytes
    error: str
    log: str


def find(aws: LocalAws, region: str, name: str, qualifier: str | None = None) -> Any:
    """A runnable function, by name, partial or full ARN, and by version or alias.  Raises :class:`AwsError`."""
    qualifier = qualifier or name.partition(":function:")[2].partition(":")[2] or None
    if ":function:" not in name:
        qualifier = qualifier or name.partition(":")[2] or None
    function = lambda_function(aws.account, region, short_name(name), qualifier)
    if function is None:
        arn = f"arn:aws:lambda:{region}:{aws.account}:function:{short_name(name)}"
        raise AwsError(
            "ResourceNotFoundException", f"Function not found: {arn}{f':{qualifier}' if qualifier else ''}", 404
        )
    if not str(getattr(function, "run_time", "") or "").startswith("python"):
        raise not_available("lambda", f"the runtime {getattr(function, 'run_time', None)} of {function.function_name}")
    if not getattr(function, "code_bytes", None):
        raise not_available("lambda", f"the image package of {function.function_name}")
    return function


def version_of(function: object) -> str:
    """AWS's name for the version that runs: a number or ``$LATEST``."""
    version = str(getattr(function, "version", "") or "$LATEST")
    return version if version.isdigit() and version != "0" else "$LATEST"


def invoke(aws: LocalAws, function: LambdaFunction, event: bytes) -> Invocation:
    """Run a function that :func:`find` returned."""
    return _run(aws, function, _unpacked(Path(aws.state_dir), function.code_bytes), event or b"{}")


def invoke_later(aws: LocalAws, function: object, event: bytes) -> None:
    """Run a function in the background: the ``Event`` invocation type."""
    threading.Thread(target=invoke, args=(aws, function, event), daemon=True).start()


def short_name(name: str) -> str:
    """The name of a function, given its name, partial or full ARN."""
    if ":function:" in name:
        name = name.partition(":function:")[2]
    return name.partition(":")[0]


def _unpacked(state_dir: Path, content: bytes) -> Path:
    root = state_dir / "functions" / hashlib.sha256(content).hexdigest()[:24]
    if not root.exists():
        root.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=root.parent))
        try:
            _unpack(content, temporary)
        except AwsError:
            shutil.rmtree(temporary)
            raise
        try:
            os.replace(temporary, root)
        except OSError:  # another thread was quicker
            if not root.exists():
                raise
    return root


def _unpack(content: bytes, target: Path) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if sum(member.file_size for member in members) > MAX_UNPACKED:
                raise AwsError(
                    "InvalidParameterValueException", f"Unzipped size must be smaller than {MAX_UNPACKED} bytes"
                )
            for member in members:
                inside(target, member.filename)
            archive.extractall(target)
    except (UnsafePath, zipfile.BadZipFile, zlib.error, RuntimeError, OSError) as error:  # RuntimeError: encrypted
        raise AwsError("InvalidZipFileException", f"Could not unzip uploaded file: {error}") from None


def _run(aws: LocalAws, function: LambdaFunction, root: Path, event: bytes) -> Invocation:
    limit = max(float(function.timeout or 3), MIN_TIMEOUT_S)
    request_id = base64.b32encode(os.urandom(10)).decode().lower()
    environment = _environment(aws, function, root, limit, request_id)
    with tempfile.TemporaryDirectory(dir=Path(aws.state_dir) / "functions") as folder:
        answer = Path(folder) / "answer.json"
        process = subprocess.Popen(
            [sys.executable, "-c", _BOOTSTRAP, str(root), function.handler, str(answer)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        try:
            log, _ = process.communicate(event, timeout=limit)
        except subprocess.TimeoutExpired:
            end_group(process.pid, 0.2)
            process.communicate()
            message = f"{request_id} Task timed out after {limit:.2f} seconds"
            return Invocation(json.dumps({"errorMessage": message}).encode(), "Unhandled", message)
        text = log.decode("utf-8", "replace")
        if not answer.exists():
            body = {"errorType": "Runtime.ExitError", "errorMessage": f"the process ended with {process.returncode}"}
            return Invocation(json.dumps(body).encode(), "Unhandled", text)
        result = json.loads(answer.read_text())
    if "error" in result:
        return Invocation(json.dumps(result["error"]).encode(), "Unhandled", text)
    return Invocation(json.dumps(result["result"]).encode(), "", text)


def _environment(aws: LocalAws, function: LambdaFunction, root: Path, limit: float, request_id: str) -> dict[str, str]:
    inherited = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR") if key in os.environ}
    configured = {str(key): str(value) for key, value in (function.environment_vars or {}).items()}
    return {
        **inherited,
        **aws.environment(),
        "PYTHONUNBUFFERED": "1",
        "LAMBDA_TASK_ROOT": str(root),
        "_HANDLER": function.handler,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": version_of(function),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size or 128),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.function_name}",
        "_LOCAL_ARN": function.function_arn,
        "_LOCAL_REQUEST_ID": request_id,
        "_LOCAL_DEADLINE": str(time.time() + limit),
        **configured,
    }
