"""Plans the Airflow tasks of a pipeline: :func:`make_plan`."""

from __future__ import annotations

from .build import make_plan

__all__ = ["make_plan"]
