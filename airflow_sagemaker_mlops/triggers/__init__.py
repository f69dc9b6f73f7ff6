"""What runs in the triggerer.  The name is looked up lazily, and is short because every serialized step carries it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .step import StepTrigger

__all__ = ["StepTrigger"]


def __getattr__(name: str) -> Any:
    if name != "StepTrigger":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .step import StepTrigger

    return StepTrigger
