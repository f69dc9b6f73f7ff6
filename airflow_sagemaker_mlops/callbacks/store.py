"""How an open token and its answer are kept: an XCom of the waiting task."""

from __future__ import annotations

KEY_PREFIX = "sagemaker_callback_"
OPEN = "waiting"
