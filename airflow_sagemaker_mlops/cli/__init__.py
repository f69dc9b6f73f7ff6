"""The command ``sagemaker-mlops``: parses options and prints; the decisions are made elsewhere."""

from __future__ import annotations

import sys

EXTRA = "pip install 'airflow-sagemaker-mlops[local]'"
OF_THE_EXTRA = frozenset({"typer", "rich", "moto", "werkzeug", "flask", "pandas", "sklearn", "xgboost"})


def main() -> None:
    """Entry point of the console script."""
    try:
        from .app import app
        from .output.terminal import print_anything

        print_anything()
        app()
    except KeyboardInterrupt:  # while the modules are imported; typer catches all others
        print("Ctrl-C: nothing was done.", file=sys.stderr)
        sys.exit(130)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in OF_THE_EXTRA:
            raise
        # DAGs do not need these packages, so an Airflow deployment is installed without them.
        print(
            f"sagemaker-mlops needs {missing}, which is not installed here. Install it with: {EXTRA}", file=sys.stderr
        )
        sys.exit(2)
