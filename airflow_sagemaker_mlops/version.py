"""The version of this package, written here only: ``pyproject.toml``, releases and Airflow's provider list read it."""

__version__ = "0.1.0"
