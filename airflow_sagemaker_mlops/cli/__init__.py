"""The command ``sagemaker-mlops``: prints, decides nothing."""

from __future__ import annotations


def main() -> None:
    """Entry point of the console script."""
    from .app import app
    from .terminal import print_anything

    print_anything()

    app()
