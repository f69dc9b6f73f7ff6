"""``ExpireAfter``: ISO 8601 durations, in the looser spellings of the service's own examples.

Source: language reference section 9.  ``30d``, ``5y``, ``T16m``, ``30dT5h``, ``p30d``, ``T12H``, ``PT1H``, ``P4DT12H``.
"""

from __future__ import annotations

import re
from datetime import timedelta

# No calendar is told with a duration: a year is 365 days, a month 30.
_DAYS = {"y": 365, "m": 30, "w": 7, "d": 1}
_SECONDS = {"h": 3600, "m": 60, "s": 1}
_NUMBER = r"\d+(?:[.,]\d+)?"
_DURATION = re.compile(
    rf"p?(?P<dy>{_NUMBER}y)?(?P<dm>{_NUMBER}m)?(?P<dw>{_NUMBER}w)?(?P<dd>{_NUMBER}d)?"
    rf"(?:t(?P<th>{_NUMBER}h)?(?P<tm>{_NUMBER}m)?(?P<ts>{_NUMBER}s)?)?",
    re.IGNORECASE | re.ASCII,
)
HOW_TO_WRITE = "Write one like P30D, T12H, 30dT5h or PT30M."
LONGEST = timedelta(days=365_000)


def parse_duration(text: str) -> timedelta:
    """How long ``text`` says.  Raises ``ValueError`` with a sentence when it says nothing.

    Letters of either case, the leading ``P`` may be left out; ``m`` is months before ``T`` and minutes after it.
    """
    match = _DURATION.fullmatch(text.strip())
    given = {name: part for name, part in match.groupdict().items() if part} if match else {}
    if not given or text.strip().upper().endswith("T"):
        raise ValueError(f'"{text[:80]}" is not a duration. {HOW_TO_WRITE}')
    total = timedelta()
    for name, part in given.items():
        number = float(part[:-1].replace(",", "."))
        try:
            total += (
                timedelta(days=number * _DAYS[name[1]])
                if name[0] == "d"
                else timedelta(seconds=number * _SECONDS[name[1]])
            )
        except OverflowError:
            return LONGEST
    return min(total, LONGEST)
