"""Faults on purpose: answers that get lost, throttling, errors, delays, resources that are not visible yet.

``faults.json`` in the state folder, read again whenever it changes::

    {"seed": 7, "rules": [
        {"operation": "^Create", "kind": "lost_answer", "rate": 0.05},
        {"operation": ".", "kind": "throttle", "rate": 0.02},
        {"operation": "^Describe", "kind": "not_found_yet", "seconds": 2}]}

Kinds: ``throttle`` and ``error`` answer instead of doing it; ``drop`` closes the connection before doing it,
``lost_answer`` after it; ``delay`` waits ``seconds``; ``not_found_yet`` denies resources younger than ``seconds``.
"""

from __future__ import annotations

import json
import random
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from .errors import AwsError

KINDS = ("throttle", "error", "delay", "drop", "lost_answer", "not_found_yet")
NAME = re.compile(
    rb'"(?:TrainingJob|ProcessingJob|TransformJob|HyperParameterTuningJob|Model|Endpoint\w*)Name": ?"([^"]+)"'
)
FILE = "faults.json"
LOG = "faults.log"  # "<epoch seconds> <kind> <operation>", a line a fault


class ConnectionLost(Exception):
    """The client gets no answer."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of fault on the operations that ``operation`` (a regular expression) finds."""

    operation: re.Pattern[str]
    kind: str
    rate: float = 1.0
    seconds: float = 1.0


def read_rules(text: str) -> tuple[int, tuple[Rule, ...]]:
    """Seed and rules.  Raises ``ValueError`` with a sentence for a rule that cannot be used."""
    data = json.loads(text)
    rules = []
    for item in data.get("rules") or []:
        unknown = set(item) - {"operation", "kind", "rate", "seconds"}
        if item.get("kind") not in KINDS or unknown:
            raise ValueError(f"a fault rule has operation, kind ({', '.join(KINDS)}), rate and seconds; this is {item}")
        operation = re.compile(str(item.get("operation") or "."))
        rules.append(Rule(operation, item["kind"], float(item.get("rate", 1.0)), float(item.get("seconds", 1.0))))
    return int(data.get("seed") or 0), tuple(rules)


class Faults:
    """The faults of one server; the same seed and the same calls in the same order give the same faults."""

    def __init__(self, state_dir: Path) -> None:
        self._file = state_dir / FILE
        self._log = state_dir / LOG
        self._lock = threading.Lock()
        self._read_at = -1.0
        self._rules: tuple[Rule, ...] = ()
        self._chance = random.Random(0)
        self._made: dict[bytes, float] = {}

    def before(self, operation: str, body: bytes) -> bool:
        """Called before ``operation`` is done; whether its answer is to get lost.

        Raises :class:`AwsError` or :class:`ConnectionLost` when it is not to be done at all.
        """
        lost = False
        for rule in self._wanted(operation):
            with self._lock:
                hit = self._chance.random() < rule.rate
            if not hit or (rule.kind == "not_found_yet" and not self._is_young(body, rule.seconds)):
                continue
            self._note(rule.kind, operation)
            match rule.kind:
                case "throttle":
                    raise AwsError("ThrottlingException", "Rate exceeded")
                case "error":
                    raise AwsError("InternalFailure", "An internal error was injected.", 500)
                case "drop":
                    raise ConnectionLost(operation)
                case "delay":
                    time.sleep(rule.seconds)
                case "not_found_yet":
                    raise AwsError("ValidationException", "Could not find requested job with name: not visible yet")
                case _:
                    lost = True
        return lost

    def _note(self, kind: str, operation: str) -> None:
        """On disk, so that whoever counts them counts those of a server that was killed too."""
        with self._lock, self._log.open("a") as out:
            out.write(f"{time.time():.3f} {kind} {operation}\n")

    def after(self, operation: str, body: bytes) -> None:
        """Remember what was made, for ``not_found_yet``."""
        if operation.startswith("Create") and self._rules:
            found = NAME.search(body)
            if found:
                self._made[found[1]] = time.time()

    def _is_young(self, body: bytes, seconds: float) -> bool:
        found = NAME.search(body)
        return found is not None and time.time() - self._made.get(found[1], 0.0) < seconds

    def _wanted(self, operation: str) -> list[Rule]:
        try:
            changed = self._file.stat().st_mtime
        except OSError:
            return []
        with self._lock:
            if changed != self._read_at:
                seed, self._rules = read_rules(self._file.read_text())
                self._chance, self._read_at = random.Random(seed), changed
        return [rule for rule in self._rules if rule.operation.search(operation)]
