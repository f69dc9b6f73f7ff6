"""``python -m airflow_sagemaker_mlops.cli``: runs the command without its console script."""

from __future__ import annotations

from . import main

main()
