"""Reports why a job's program failed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

MESSAGE_FILE = Path("/opt/ml/output/message")  # a processing job shows the first characters as its ExitMessage
LONGEST_MESSAGE = 1000


def refuse(sentence: str, code: int) -> int:
    """Write ``sentence`` to standard error and to the job's message; return ``code``."""
    print(sentence, file=sys.stderr)  # noqa: T201
    try:
        if MESSAGE_FILE.parent.is_dir() and os.access(MESSAGE_FILE.parent, os.W_OK):
            MESSAGE_FILE.write_text(sentence[:LONGEST_MESSAGE], encoding="utf-8")
    except OSError:
        pass  # it is on standard error
    return code
