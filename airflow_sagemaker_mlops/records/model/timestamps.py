"""Times as records carry them, ISO 8601."""

from __future__ import annotations

from datetime import UTC, datetime


def parse_time(text: object) -> datetime | None:
    """The moment ``text`` names, in UTC; ``None`` when it names none."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def moment(text: object) -> datetime:
    """The moment ``text`` names, to sort by; the beginning of time when it names none."""
    return parse_time(text) or datetime.min.replace(tzinfo=UTC)


def seconds_between(start: object, end: object) -> float | None:
    """How long from one to the other; ``None`` when one is missing."""
    began, ended = parse_time(start), parse_time(end)
    return None if began is None or ended is None else round((ended - began).total_seconds(), 3)
