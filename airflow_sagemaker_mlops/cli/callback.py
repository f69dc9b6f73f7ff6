"""``sagemaker-mlops callback``: answer a waiting Callback step of a DAG run."""

from __future__ import annotations

import http.client
import json
import os
import urllib.error
import urllib.request
from collections.abc import Sequence

from ..callbacks.answer import TOKEN
from .output.terminal import say
from .parameters import texts_of

DEFAULT_URL = "http://localhost:8080"


def answer(token: str, outputs: Sequence[str], *, failure: str | None, url: str | None) -> int:
    """Send the answer to Airflow's API server.  Exit code: 0 accepted, 1 refused, 2 unusable arguments."""
    try:
        values = texts_of(outputs)
    except ValueError as error:
        say(str(error), err=True)
        return 2
    if failure is not None and values:
        say("--failure takes no outputs.", err=True)
        return 2
    if not TOKEN.fullmatch(token):
        say(f'"{token}" is not a callback token: a token has 10 letters and digits.', err=True)
        return 2
    base = (url or os.environ.get("AIRFLOW__API__BASE_URL") or DEFAULT_URL).rstrip("/")
    end, body = ("failure", {"reason": failure}) if failure is not None else ("success", values)
    target = f"{base}/sagemaker-callbacks/{end}"
    headers = {"Content-Type": "application/json", "X-Callback-Token": token}
    try:
        request = urllib.request.Request(target, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as reply:
            said = reply.read()
    except urllib.error.HTTPError as error:
        say(f"{target}: {error.code}: {error.read().decode('utf-8', 'replace')}", err=True)
        return 1
    except OSError as error:
        say(f"{target}: {error}", err=True)
        return 1
    except (ValueError, http.client.HTTPException) as error:
        say(f'--url is "{base}", which is not a URL: {error}.', err=True)
        return 2
    try:
        who = {name: json.loads(said)[name] for name in ("task_id", "dag_id", "run_id")}
    except (ValueError, KeyError, TypeError):
        say(f"{target}: the server there is not an Airflow API server with this plugin.", err=True)
        return 1
    say(f"{who['task_id']} of {who['dag_id']}, run {who['run_id']}, was answered")
    return 0
