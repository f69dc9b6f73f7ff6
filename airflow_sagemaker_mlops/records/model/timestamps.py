"""ISO 8601 times, as records hold them."""

from __future__ import annotations

from datetime import UTC, datetime


def parse_time(text: object) -> datetime | None:
    """The time in ``text``, in UTC; ``None`` if it holds none."""
    try:
        moment = datetime.fromisoformat(str(text))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # overflow: a time of the first or last day of all, in another zone
        return None


def moment(text: object) -> datetime:
    """The time in ``text``, for sorting; the earliest possible time if it holds none."""
    return parse_time(text) or datetime.min.replace(tzinfo=UTC)


def seconds_between(start: object, end: object) -> float | None:
    """Seconds from ``start`` to ``end``; ``None`` if either is missing."""
    began, ended = parse_time(start), parse_time(end)
    return None if began is None or ended is None else round((ended - began).total_seconds(), 3)
