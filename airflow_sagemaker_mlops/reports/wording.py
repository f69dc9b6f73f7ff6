"""Words and tones of states and verdicts: a colour never appears without its word."""

from __future__ import annotations

GOOD, BAD, UNSURE, BUSY, PLAIN = "good", "bad", "unsure", "busy", "plain"
TONES = (GOOD, BAD, UNSURE, BUSY, PLAIN)
_Said = tuple[str, str]  # word and tone

RUNS: dict[str, _Said] = {
    "Succeeded": ("Succeeded", GOOD),
    "Failed": ("Failed", BAD),
    "Stopped": ("Stopped", UNSURE),
    "CompletedWithFailures": ("Completed with failures", UNSURE),
    "Executing": ("Running", BUSY),
}
STEPS: dict[str, _Said] = {
    "Succeeded": ("Succeeded", GOOD),
    "Failed": ("Failed", BAD),
    "Stopped": ("Stopped", UNSURE),
    "Executing": ("Running", BUSY),
    "Waiting": ("Waiting for a person", UNSURE),
    "NotTaken": ("Not taken", PLAIN),
    "NotStarted": ("Not started", PLAIN),
    "NotSelected": ("Not selected", PLAIN),
}
GATE: dict[str, _Said] = {
    "promote": ("Promote", GOOD),
    "reject": ("Reject", BAD),
    "inconclusive": ("Inconclusive", UNSURE),
    "skipped": ("Left out", PLAIN),
}
DRIFT: dict[str, _Said] = {
    "stable": ("Stable", GOOD),
    "drift": ("Drift", BAD),
    "inconclusive": ("Inconclusive", UNSURE),
}
CONDITION: dict[str, _Said] = {"true": ("True", PLAIN), "false": ("False", PLAIN)}
APPROVALS: dict[str, _Said] = {
    "approved": ("Approved", GOOD),
    "approve": ("Approved", GOOD),
    "rejected": ("Rejected", BAD),
    "reject": ("Rejected", BAD),
    "pendingmanualapproval": ("Waiting for approval", UNSURE),
}
CACHE = {
    "hit": "From the cache",
    "reused": "From another run",
    "miss": "Not in the cache",
    "expired": "Cached result expired",
    "off": "Cache off",
}


def said_of(state: str, words: dict[str, _Said]) -> _Said:
    """Word and tone of ``state``; an unknown state is shown as it is."""
    return words.get(state) or (state or "Unknown", PLAIN)


def approval_said(decision: str) -> _Said:
    """Word and tone of an approval, in any spelling that a task may use."""
    return said_of(decision.lower(), APPROVALS) if decision.lower() in APPROVALS else (decision or "Answered", PLAIN)
