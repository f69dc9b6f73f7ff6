"""What instances cost, as a user's own file says; nothing is known here that the file does not have.

currency: USD
instances:            # an hour of one instance
  ml.m5.large: 0.115
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...definition.problems import did_you_mean

SECONDS = 3600.0
KEYS = ("currency", "instances")


@dataclass(frozen=True, slots=True)
class Prices:
    """``instances``: price of an hour by instance type, in ``currency``."""

    currency: str
    instances: Mapping[str, float]

    def cost(self, seconds: Mapping[str, float]) -> dict[str, Any]:
        """What so many billable seconds of each type cost; types without a price are named and left out."""
        priced = {kind: spent for kind, spent in seconds.items() if kind in self.instances}
        amount = math.fsum(spent / SECONDS * self.instances[kind] for kind, spent in priced.items())
        said: dict[str, Any] = {"amount": round(amount, 6), "currency": self.currency}
        unpriced = sorted(seconds.keys() - priced.keys())
        return {**said, "unpriced": unpriced} if unpriced else said


def read_prices(file: Path) -> Prices:
    """The prices in a YAML or JSON file.  Raises ``ValueError`` with a sentence."""
    from ...definition.read.yaml_source import plain_yaml

    try:
        given = plain_yaml(file.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"{file}: the prices cannot be read: {error}") from None
    instances = given.get("instances") if isinstance(given, dict) else None
    if not isinstance(instances, dict) or not isinstance(given.get("currency"), str):
        raise ValueError(f"{file}: prices are an object: {{currency: USD, instances: {{ml.m5.large: 0.115}}}}.")
    for key in given:
        if key not in KEYS:
            raise ValueError(f'{file}: prices have no key "{key}". {did_you_mean(str(key), KEYS)}')
    for kind, price in instances.items():
        is_number = isinstance(price, int | float) and not isinstance(price, bool)
        if not is_number or not 0 <= price < math.inf:
            raise ValueError(f"{file}: the price of {kind} is {price!r}; write what an hour costs as a number.")
    return Prices(given["currency"], {str(kind): float(price) for kind, price in instances.items()})
