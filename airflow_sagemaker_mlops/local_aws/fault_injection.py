"""Injects faults: lost answers, throttling, errors, delays, and resources that are not visible yet.

The rules are in ``faults.json`` in the state folder, which is read again whenever it changes::

    {"seed": 7, "rules": [
        {"operation": "^Create", "kind": "lost_answer", "rate": 0.05},
        {"operation": ".", "kind": "throttle", "rate": 0.02},
        {"operation": "^Describe", "kind": "not_found_yet", "seconds": 2}]}

Kinds: ``throttle`` and ``error`` return an error instead of executing the call; ``drop`` closes the connection before
executing it, ``lost_answer`` afterwards; ``delay`` waits for ``seconds``; ``not_found_yet`` hides resources younger
than ``seconds``.  Calls that the embedded AWS makes itself, such as those of its jobs' supervisors, are exempt.
"""

from __future__ import annotations

import json
import random
import re
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .errors import AwsError
from .state import write_private

KINDS = ("throttle", "error", "delay", "drop", "lost_answer", "not_found_yet")
_ON_RESOURCE = re.compile(r"^(?:Create|Describe|Update|Stop|Delete)(\w+)$")
FILE = "faults.json"
LOG = "faults.log"  # one line per fault: "<epoch seconds> <kind> <operation>"


class ConnectionLost(Exception):
    """The client receives no answer."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of fault on the operations that match ``operation``, a regular expression."""

    operation: re.Pattern[str]
    kind: str
    rate: float = 1.0
    seconds: float = 1.0


def read_rules(text: str) -> tuple[int, tuple[Rule, ...]]:
    """Parse the seed and the rules.  Raises ``ValueError`` with a sentence for an invalid rule."""
    data = json.loads(text)
    is_right = isinstance(data, dict) and not set(data) - {"seed", "rules"}
    if not is_right or not isinstance(data.get("rules") or [], list):
        raise ValueError(f'the faults must be {{"seed": 7, "rules": [...]}}, not {text[:100]}')
    try:
        return int(data.get("seed") or 0), tuple(_rule(item) for item in data.get("rules") or [])
    except (TypeError, re.error) as error:
        raise ValueError(f"a fault rule is invalid: {error}") from None


def _rule(item: object) -> Rule:
    known = {"operation", "kind", "rate", "seconds"}
    if not isinstance(item, dict) or item.get("kind") not in KINDS or set(item) - known:
        raise ValueError(f"a fault rule has operation, kind ({', '.join(KINDS)}), rate and seconds, unlike {item}")
    operation = re.compile(str(item.get("operation") or "."))
    return Rule(operation, item["kind"], float(item.get("rate", 1.0)), float(item.get("seconds", 1.0)))


def write_rules(state_dir: Path, text: str) -> None:
    """Apply the rules of ``text`` at once.  Raises ``ValueError`` for invalid rules."""
    read_rules(text)
    write_private(state_dir / FILE, text)


class FaultInjector:
    """The faults of one server; the same seed and the same sequence of calls produce the same faults."""

    def __init__(self, state_dir: Path, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._file = state_dir / FILE
        self._log = state_dir / LOG
        self._lock = threading.Lock()
        self._read_at = -1
        self._rules: tuple[Rule, ...] = ()
        self._random = random.Random(0)
        self._created: dict[str, float] = {}

    def before(self, operation: str, body: bytes) -> bool:
        """Apply the rules before ``operation`` is executed; returns whether to lose its answer.

        Raises :class:`AwsError` or :class:`ConnectionLost` if it must not be executed at all.
        """
        lost = False
        for rule in self._matching_rules(operation):
            with self._lock:
                hit = self._random.random() < rule.rate
            if not hit or (rule.kind == "not_found_yet" and not self._is_young(operation, body, rule.seconds)):
                continue
            if rule.kind != "lost_answer":  # logged when the answer is lost: the operation may fail first
                self._log_fault(rule.kind, operation)
            match rule.kind:
                case "throttle":
                    raise AwsError("ThrottlingException", "Rate exceeded")
                case "error":
                    raise AwsError("InternalFailure", "An internal error was injected.", 500)
                case "drop":
                    raise ConnectionLost(operation)
                case "delay":
                    self._sleep(rule.seconds)
                case "not_found_yet":
                    raise AwsError("ValidationException", "Could not find requested job with name: not visible yet")
                case _:
                    lost = True
        return lost

    def lost_answer(self, operation: str) -> ConnectionLost:
        """Log a lost answer; returns the exception to raise."""
        self._log_fault("lost_answer", operation)
        return ConnectionLost(operation)

    def _log_fault(self, kind: str, operation: str) -> None:
        """Log a fault on disk, so that the faults of a server that was killed are counted, too."""
        with self._lock, self._log.open("a") as out:
            out.write(f"{time.time():.3f} {kind} {operation}\n")

    def after(self, operation: str, body: bytes) -> None:
        """Remember when the operation created a resource, for ``not_found_yet``."""
        if operation.startswith("Create") and self._rules:
            resource = _resource(operation, body)
            if resource:
                self._created[resource] = time.time()

    def _is_young(self, operation: str, body: bytes, seconds: float) -> bool:
        return time.time() - self._created.get(_resource(operation, body) or "", 0.0) < seconds

    def _matching_rules(self, operation: str) -> list[Rule]:
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
        except ValueError as error:  # the file is being edited: the previous rules apply until it is valid again
            sys.stderr.write(f"{FILE}: {error}\n")
        else:
            self._random = random.Random(seed)


def _resource(operation: str, body: bytes) -> str | None:
    """The resource that an operation acts on, e.g. ``TransformJobName=x``; a request may name others as well."""
    match = _ON_RESOURCE.match(operation)
    try:
        request = json.loads(body) if match else None
    except ValueError:
        return None
    key = f"{match[1]}Name" if match else ""
    return f"{key}={request[key]}" if isinstance(request, dict) and key in request else None
