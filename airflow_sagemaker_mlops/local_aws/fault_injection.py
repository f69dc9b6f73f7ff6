"""Faults on purpose: answers that get lost, throttling, errors, delays, resources that are not visible yet.

``faults.json`` in the state folder, read again whenever it changes::

    {"seed": 7, "rules": [
        {"operation": "^Create", "kind": "lost_answer", "rate": 0.05},
        {"operation": ".", "kind": "throttle", "rate": 0.02},
        {"operation": "^Describe", "kind": "not_found_yet", "seconds": 2}]}

Kinds: ``throttle`` and ``error`` answer instead of doing it; ``drop`` closes the connection before doing it,
``lost_answer`` after it; ``delay`` waits ``seconds``; ``not_found_yet`` denies resources younger than ``seconds``.
Calls that the embedded AWS makes itself, as the supervisors of its jobs do, are spared.
"""

from __future__ import annotations

import json
import random
import re
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import AwsError
from .state import write_private

KINDS = ("throttle", "error", "delay", "drop", "lost_answer", "not_found_yet")
_ON_ONE = re.compile(r"^(?:Create|Describe|Update|Stop|Delete)(\w+)$")
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
    is_right = isinstance(data, dict) and not set(data) - {"seed", "rules"}
    if not is_right or not isinstance(data.get("rules") or [], list):
        raise ValueError(f'faults are {{"seed": 7, "rules": [...]}}; this is {text[:100]}')
    try:
        return int(data.get("seed") or 0), tuple(_rule(item) for item in data.get("rules") or [])
    except (TypeError, re.error) as error:
        raise ValueError(f"a fault rule cannot be used: {error}") from None


def _rule(item: Any) -> Rule:
    known = {"operation", "kind", "rate", "seconds"}
    if not isinstance(item, dict) or item.get("kind") not in KINDS or set(item) - known:
        raise ValueError(f"a fault rule has operation, kind ({', '.join(KINDS)}), rate and seconds; this is {item}")
    operation = re.compile(str(item.get("operation") or "."))
    return Rule(operation, item["kind"], float(item.get("rate", 1.0)), float(item.get("seconds", 1.0)))


def write_rules(state_dir: Path, text: str) -> None:
    """Put the rules of ``text`` in force at once.  Raises ``ValueError`` for rules that cannot be used."""
    read_rules(text)
    write_private(state_dir / FILE, text)


class Faults:
    """The faults of one server; the same seed and the same calls in the same order give the same faults."""

    def __init__(self, state_dir: Path) -> None:
        self._file = state_dir / FILE
        self._log = state_dir / LOG
        self._lock = threading.Lock()
        self._read_at = -1
        self._rules: tuple[Rule, ...] = ()
        self._chance = random.Random(0)
        self._made: dict[str, float] = {}

    def before(self, operation: str, body: bytes) -> bool:
        """Called before ``operation`` is done; whether its answer is to get lost.

        Raises :class:`AwsError` or :class:`ConnectionLost` when it is not to be done at all.
        """
        lost = False
        for rule in self._wanted(operation):
            with self._lock:
                hit = self._chance.random() < rule.rate
            if not hit or (rule.kind == "not_found_yet" and not self._is_young(operation, body, rule.seconds)):
                continue
            if rule.kind != "lost_answer":  # which there may not come to be one of
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

    def lose(self, operation: str) -> ConnectionLost:
        """Note that an answer gets lost; what to raise."""
        self._note("lost_answer", operation)
        return ConnectionLost(operation)

    def _note(self, kind: str, operation: str) -> None:
        """On disk, so that whoever counts them counts those of a server that was killed too."""
        with self._lock, self._log.open("a") as out:
            out.write(f"{time.time():.3f} {kind} {operation}\n")

    def after(self, operation: str, body: bytes) -> None:
        """Remember what was made, for ``not_found_yet``."""
        if operation.startswith("Create") and self._rules:
            found = _resource(operation, body)
            if found:
                self._made[found] = time.time()

    def _is_young(self, operation: str, body: bytes, seconds: float) -> bool:
        return time.time() - self._made.get(_resource(operation, body) or "", 0.0) < seconds

    def _wanted(self, operation: str) -> list[Rule]:
        try:
            changed = self._file.stat().st_mtime_ns
            with self._lock:
                if changed != self._read_at:
                    self._read_at = changed
                    self._read()
        except OSError:
            return []
        return [rule for rule in self._rules if rule.operation.search(operation)]

    def _read(self) -> None:
        try:
            seed, self._rules = read_rules(self._file.read_text())
        except ValueError as error:  # somebody is at work on it: the rules of before hold until it is right again
            sys.stderr.write(f"{FILE}: {error}\n")
        else:
            self._chance = random.Random(seed)


def _resource(operation: str, body: bytes) -> str | None:
    """What an operation is about, e.g. ``TransformJobName=x``: a request may name other resources besides."""
    match = _ON_ONE.match(operation)
    try:
        request = json.loads(body) if match else None
    except ValueError:
        return None
    key = f"{match[1]}Name" if match else ""
    return f"{key}={request[key]}" if isinstance(request, dict) and key in request else None
