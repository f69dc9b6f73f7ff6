"""Predictions of two models whose true quality is known."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit, ndtri


def binormal(
    seed: int, records: int, gain: float = 0.0, area: float = 0.85, correlation: float = 0.8
) -> tuple[Any, Any, Any]:
    """(label, candidate, champion), 30 % positive; the champion's AUC is ``area``, the candidate's ``area + gain``."""
    generator = np.random.default_rng(seed)
    label = (generator.random(records) < 0.3).astype(float)
    noise = generator.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], records)
    scores = (noise[:, who] + np.sqrt(2) * ndtri(area + more) * label - 1.5 for who, more in ((0, gain), (1, 0)))
    return (label, *(expit(score) for score in scores))
