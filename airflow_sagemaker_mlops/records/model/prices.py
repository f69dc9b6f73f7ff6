"""Prices of instances, from the user's own file; there are no built-in prices.

currency: USD
instances:            # price of one instance for one hour
  ml.m5.large: 0.115
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...definition.problems import did_you_mean
from .documents import CostDocument

SECONDS = 3600.0
KEYS = ("currency", "instances")


@dataclass(frozen=True, slots=True)
class Prices:
    """``instances``: hourly price by instance type, in ``currency``."""

    currency: str
    instances: Mapping[str, float]

    def cost(self, seconds: Mapping[str, float]) -> CostDocument:
        """The cost of billable ``seconds`` by instance type; types without a price are listed and not counted."""
        priced = {kind: spent for kind, spent in seconds.items() if kind in self.instances}
        amount = math.fsum(spent / SECONDS * self.instances[kind] for kind, spent in priced.items())
        cost: CostDocument = {"amount": round(amount, 6), "currency": self.currency}
        unpriced = sorted(seconds.keys() - priced.keys())
        if unpriced:
            cost["unpriced"] = unpriced
        return cost


def read_prices(file: Path) -> Prices:
    """The prices in a YAML or JSON file.  Raises ``ValueError`` with a sentence."""
    from ...definition.read.yaml_source import plain_yaml

    try:
        given = plain_yaml(file.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"{file}: the prices cannot be read: {error}") from None
    instances = given.get("instances") if isinstance(given, dict) else None
    if not isinstance(instances, dict) or not isinstance(given.get("currency"), str):
        raise ValueError(f"{file}: prices must be an object: {{currency: USD, instances: {{ml.m5.large: 0.115}}}}.")
    for key in given:
        if key not in KEYS:
            raise ValueError(f'{file}: prices have no key "{key}". {did_you_mean(str(key), KEYS)}')
    for kind, price in instances.items():
        is_number = isinstance(price, int | float) and not isinstance(price, bool)
        if not is_number or not 0 <= price < math.inf:
            raise ValueError(f"{file}: the price of {kind} is {price!r}; write the price of an hour as a number.")
    return Prices(given["currency"], {str(kind): float(price) for kind, price in instances.items()})
