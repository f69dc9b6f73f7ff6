"""Storage of an open token and its answer: an XCom of the waiting task, named by the token's hash, as text."""

from __future__ import annotations

import json
from typing import Any

OPEN = "waiting"
CLOSED = "closed"


def as_answer(text: object) -> dict[str, Any] | None:
    """The answer in an XCom; ``None`` while there is none."""
    return json.loads(text) if isinstance(text, str) and text.startswith("{") else None


def deployment_secret() -> bytes:
    """The secret from which this deployment's tokens are derived: its Fernet key, which all of its processes share.

    Without a Fernet key, a secret of this process: a step that continues in another process sends a new message.
    """
    from airflow.configuration import conf

    from ..execution.callback_inbox import OF_THIS_PROCESS

    key = str(conf.get("core", "fernet_key", fallback="") or "")
    return key.partition(",")[0].strip().encode() or OF_THIS_PROCESS
