"""How often, and how soon, a task goes on whose worker was killed or whose connection was lost.

Airflow's own delay of five minutes is for work that failed; what is told here only has to find a worker again.
"""

from __future__ import annotations

from datetime import timedelta

RETRIES_AFTER_MISHAPS = 4  # a step's job goes on meanwhile, and one that failed is not run again
RETRY_DELAY = timedelta(seconds=20)
