"""An inference server: GET /ping, POST /invocations, with the handler functions of sagemaker-inference.

The model's interpreter runs this file by path: it imports the standard library and the user's modules, not the package.
``model_fn``, ``input_fn``, ``predict_fn``, ``output_fn`` or one ``transform_fn`` come from ``SAGEMAKER_PROGRAM`` or
``inference`` in ``model/code``; without them, a file called ``xgboost-model`` is served as the XGBoost image does.
"""

from __future__ import annotations

import hmac
import importlib.util
import inspect
import io
import json
import os
import sys
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL_DIR = os.environ["SAGEMAKER_MLOPS_MODEL_DIR"]
KEY = os.environ.pop("SAGEMAKER_MLOPS_SERVER_KEY", "")
MAX_BODY = 128 << 20


class Unsupported(Exception):
    """A request or a model that cannot be served; the caller receives the text."""


def load_user_module() -> Any:
    """The user's inference module; ``None`` if the model has none."""
    code = os.path.join(MODEL_DIR, "code")
    program = os.environ.get("SAGEMAKER_PROGRAM") or "inference.py"
    for folder in (code, MODEL_DIR):
        path = os.path.join(folder, program if program.endswith(".py") else program + ".py")
        if os.path.isfile(path):
            sys.path.insert(0, folder)
            spec: Any = importlib.util.spec_from_file_location("user_inference", path)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    return None


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a handler, which may have one more parameter, the context."""
    count = len(inspect.signature(function).parameters)
    return function(*arguments, None) if count == len(arguments) + 1 else function(*arguments)


class XGBoost:
    """Serves an XGBoost model as the image does without a script."""

    def __init__(self, path: str) -> None:
        import xgboost

        self.xgboost = xgboost
        self.booster = xgboost.Booster()
        with open(path, "rb") as model:
            self.booster.load_model(bytearray(model.read()))

    def answer(self, body: bytes, content_type: str, accept: str) -> tuple[Any, str]:
        """CSV or libsvm in, CSV or JSON out."""
        import numpy

        if "csv" not in content_type and "text/plain" not in content_type:
            raise Unsupported(f"Content type {content_type} is not supported; use text/csv.")
        # An empty field is a missing value, as in the image's own server
        rows = numpy.loadtxt(
            io.StringIO(body.decode()),
            delimiter=",",
            ndmin=2,
            dtype=numpy.float32,
            converters=lambda text: float(text.strip() or "nan"),
        )
        scores = self.booster.predict(self.xgboost.DMatrix(rows))
        if "json" in accept:
            return json.dumps({"predictions": [{"score": score} for score in scores.tolist()]}), "application/json"
        lines = [",".join(map(str, row)) if isinstance(row, list) else str(row) for row in scores.tolist()]
        return "\n".join(lines), "text/csv; charset=utf-8"


class Scripted:
    """Serves a model through the user's handler functions."""

    def __init__(self, module: object) -> None:
        self.module = module
        parts = [name for name in ("input_fn", "predict_fn", "output_fn") if hasattr(module, name)]
        if hasattr(module, "transform_fn") and parts:
            raise Unsupported(f"transform_fn cannot be used together with {', '.join(parts)}")
        if not hasattr(module, "model_fn"):
            raise Unsupported("the inference script has no model_fn")
        self.model = call(module.model_fn, MODEL_DIR)

    def answer(self, body: bytes, content_type: str, accept: str) -> tuple[Any, str]:
        """Call transform_fn, or input_fn, predict_fn and output_fn."""
        module = self.module
        if hasattr(module, "transform_fn"):
            result = call(module.transform_fn, self.model, body, content_type, accept)
        else:
            data = call(getattr(module, "input_fn", default_input), body, content_type)
            predict = getattr(module, "predict_fn", lambda data, model: model.predict(data))
            prediction = call(predict, data, self.model)
            result = call(getattr(module, "output_fn", default_output), prediction, accept)
        return result if isinstance(result, tuple) else (result, accept)


def default_input(body: bytes, content_type: str) -> Any:
    """CSV, JSON and NPY."""
    import numpy

    if "json" in content_type:
        return numpy.array(json.loads(body))
    if "npy" in content_type:
        return numpy.load(io.BytesIO(body), allow_pickle=False)
    if "csv" in content_type:
        return numpy.loadtxt(io.StringIO(body.decode()), delimiter=",", ndmin=2)
    raise Unsupported(f"Content type {content_type} is not supported.")


def default_output(prediction: object, accept: str) -> tuple[Any, str]:
    """CSV, JSON and NPY."""
    import numpy

    values = numpy.asarray(prediction)
    if "csv" in accept:
        out = io.StringIO()
        numpy.savetxt(out, values if values.ndim > 1 else values.reshape(-1, 1), delimiter=",", fmt="%s")
        return out.getvalue(), "text/csv"
    if "npy" in accept:
        buffer = io.BytesIO()
        numpy.save(buffer, values)
        return buffer.getvalue(), "application/x-npy"
    return json.dumps(values.tolist()), "application/json"


def make_model() -> XGBoost | Scripted:
    """The object that serves this model.  Raises :class:`Unsupported` if there is none."""
    module = load_user_module()
    if module is not None:
        return Scripted(module)
    path = os.path.join(MODEL_DIR, "xgboost-model")
    if os.path.isfile(path):
        return XGBoost(path)
    raise Unsupported("the model has no inference script and is not a built-in XGBoost model")


def handler_for(model: XGBoost | Scripted) -> type[BaseHTTPRequestHandler]:
    """The HTTP handler around a model."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60  # seconds that a client may pause

        def is_ours(self) -> bool:
            """Whether the embedded AWS sent the request: other users and web pages can reach the port, too."""
            given = self.headers.get("X-Sagemaker-Mlops-Key") or ""
            return hmac.compare_digest(given.encode("utf-8", "replace"), KEY.encode())

        def do_GET(self) -> None:
            self.reply(200 if self.path == "/ping" else 404, b"", "text/plain")

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length") or "0"
            if not self.is_ours() or not length.isdigit() or int(length) > MAX_BODY:
                self.close_connection = True
                self.reply(403, b"this server answers its embedded AWS only", "text/plain")
                return
            body = self.rfile.read(int(length))
            content_type = self.headers.get("Content-Type") or "application/json"
            accept = self.headers.get("Accept") or "application/json"
            accept = "application/json" if accept == "*/*" else accept
            if isinstance(model, XGBoost) and self.headers.get("Accept") in (None, "*/*"):
                accept = "text/csv"
            try:
                answer, kind = model.answer(body, content_type, accept)
            except Unsupported as error:
                self.reply(415, str(error).encode(), "text/plain")
            except Exception as error:
                traceback.print_exc()
                self.reply(500, f"{type(error).__name__}: {error}".encode(), "text/plain")
            else:
                self.reply(200, answer if isinstance(answer, bytes) else str(answer).encode(), kind)

        def reply(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *words: Any) -> None:
            """Log nothing but errors."""

    return Handler


def main() -> None:
    """Load the model, listen, and write the port to a file."""
    try:
        model = make_model()
    except Unsupported as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_for(model))
    target = os.environ["SAGEMAKER_MLOPS_PORT_FILE"]
    with open(target + ".tmp", "w") as out:
        out.write(str(server.server_address[1]))
    os.replace(target + ".tmp", target)
    server.serve_forever()


if __name__ == "__main__":
    main()
