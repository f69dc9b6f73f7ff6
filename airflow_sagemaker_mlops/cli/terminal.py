"""The terminal that commands print to."""

from __future__ import annotations

import getpass
from typing import Any


def console(**options: Any) -> Any:
    """A rich console; imported late because --help should be quick."""
    from rich.console import Console

    return Console(**options)


def user_name() -> str:
    """Who runs the command."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without a name for its user
        return ""
