"""``sagemaker-mlops callback``: answer a Callback step of a DAG run by hand."""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence

DEFAULT_URL = "http://localhost:8080"


def answer(token: str, outputs: Sequence[str], *, failure: str | None, url: str | None) -> int:
    """Send the answer to Airflow's API server.  Exit code: 0 taken, 1 refused, 2 unusable arguments."""
    values: dict[str, str] = {}
    for word in outputs:
        name, separator, value = word.partition("=")
        if not separator:
            print(f'"{word}" is not Name=value.', file=sys.stderr)
            return 2
        values[name] = value
    if failure is not None and values:
        print("A failure has no outputs.", file=sys.stderr)
        return 2
    base = (url or os.environ.get("AIRFLOW__API__BASE_URL") or DEFAULT_URL).rstrip("/")
    end, body = ("failure", {"reason": failure}) if failure is not None else ("success", values)
    target = f"{base}/sagemaker-callbacks/{token}/{end}"
    request = urllib.request.Request(target, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            who = json.load(reply)
    except urllib.error.HTTPError as error:
        print(f"{target}: {error.code}: {error.read().decode('utf-8', 'replace')}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{target}: {error}", file=sys.stderr)
        return 1
    print(f"{who['task_id']} of {who['dag_id']}, run {who['run_id']}, has its answer")
    return 0
