"""Whether reading a definition is linear: the effect of doubling the size, for documents designed to be slow.

``ratio`` is the time for a document of twice the size divided by the time for the document: about 2 if reading is
linear, 4 if it is quadratic.  Documents have 100 kB and more, so that constant costs do not matter.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

SIZE = 20_000
REPEAT = 3


def _processing(index: int, **more: Any) -> dict[str, Any]:
    return {"Name": f"S{index}", "Type": "Processing", "Arguments": {"RoleArn": "r"}, **more}


def _metadata(text: str) -> str:
    return f"Version: '2020-12-01'\nSteps: []\nMetadata: {text}\n"


def _chain(count: int) -> str:
    steps = [_processing(i, **({"DependsOn": [f"S{i - 1}"]} if i else {})) for i in range(count // 10)]
    return json.dumps({"Version": "2020-12-01", "Steps": steps})


def _path(path: str) -> str:
    value = {"Std:JsonGet": {"S3Uri": "s3://b/k", "Path": path}}
    step = {"Name": "L", "Type": "Lambda", "FunctionArn": "f", "Arguments": {"a": value}}
    return json.dumps({"Version": "2020-12-01", "Steps": [step]})


DOCUMENTS: dict[str, Callable[[int], str]] = {
    "steps": _chain,
    "unclosed ${": lambda n: _metadata("{a: !Sub '" + "${" * n * 4 + "'}"),
    "many ${...}": lambda n: _metadata("{a: !Sub '" + "${Parameters.X}" * n + "'}"),
    "same key": lambda n: '{"Steps":[],' + ",".join('"k":1' for _ in range(n * 4)) + "}",
    "same key in YAML": lambda n: "Steps: []\n" + "k: 1\n" * n,
    "unknown DependsOn": lambda n: json.dumps({"Steps": [_processing(i, DependsOn=[f"X{i}"]) for i in range(n // 10)]}),
    "unknown keys": lambda n: json.dumps({"Steps": [], **{f"Stepz{i}": 1 for i in range(n)}}),
    "JsonGet path, brackets": lambda n: _path("a" + "['b']" * n),
    "JsonGet path, unclosed": lambda n: _path("['a" * n),
    "JsonGet path, wildcards": lambda n: _path("[a" * n),
    "open brackets": lambda n: "[" * n * 4,
    "open brackets in YAML": lambda n: _metadata("[" * n * 4),
    "aliases": lambda n: _metadata("[&a {b: c}, " + "*a, " * n + "]"),
    "merge keys": lambda n: _metadata("{a: &a {b: c}, d: {<<: [" + "*a, " * n + "]}}"),
    "long key above a problem": lambda n: json.dumps(
        {"Metadata": {"k" * n: {f"a{i}": 1 for i in range(n)}}, "Steps": 3}
    ),
    "quotes without end": lambda n: '{"a": "' + '\\"' * n * 4,
    "numbers that lose their text": lambda n: (
        "Steps:\n- Name: A\n  Type: Processing\n  Arguments:\n    Environment:\n"
        + "".join(f"      k{i}: 1.10\n" for i in range(n))
    ),
}


def measure() -> dict[str, Any]:
    """{document: {"bytes", "seconds", "ratio"}}; ``seconds`` and ``bytes`` of the larger one."""
    return {name: _doubled(make) for name, make in DOCUMENTS.items()}


def _doubled(make: Callable[[int], str]) -> dict[str, Any]:
    small, large = make(SIZE).encode(), make(2 * SIZE).encode()
    seconds = [min(_seconds(text) for _ in range(REPEAT)) for text in (small, large)]
    return {"bytes": len(large), "seconds": round(seconds[1], 3), "ratio": round(seconds[1] / seconds[0], 2)}


def _seconds(text: bytes) -> float:
    from airflow_sagemaker_mlops.definition import load_pipeline
    from airflow_sagemaker_mlops.definition.problems import PipelineError
    from airflow_sagemaker_mlops.plan import make_plan

    begun = time.perf_counter()
    with contextlib.suppress(PipelineError):
        make_plan(load_pipeline(text))
    return time.perf_counter() - begun
