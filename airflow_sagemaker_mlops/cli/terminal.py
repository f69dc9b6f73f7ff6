"""The terminal that commands print to."""

from __future__ import annotations

from typing import Any


def console(**options: Any) -> Any:
    """A rich console; imported late because --help should be quick."""
    from rich.console import Console

    return Console(**options)
