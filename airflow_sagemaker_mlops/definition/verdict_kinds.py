"""The step types whose job gives a verdict, by name."""

from __future__ import annotations

from types import MappingProxyType

from .champion_gate import GATE
from .drift_check import DRIFT

VERDICT_KINDS = MappingProxyType({kind.type: kind for kind in (GATE, DRIFT)})
