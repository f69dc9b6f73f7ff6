"""``python -m airflow_sagemaker_mlops.cli``: the command without its script."""

from __future__ import annotations

from . import main

main()
