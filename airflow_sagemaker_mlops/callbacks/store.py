"""How an open token and its answer are kept: an XCom of the waiting task, as text."""

from __future__ import annotations

import json
from typing import Any

KEY_PREFIX = "sagemaker_callback_"
OPEN = "waiting"
CLOSED = "closed"


def as_answer(text: Any) -> dict[str, Any] | None:
    """The answer in an XCom; ``None`` while there is none."""
    return json.loads(text) if isinstance(text, str) and text.startswith("{") else None
