"""Runs one step, without Airflow: resolve, submit exactly once, wait, collect; see :mod:`.engine`."""
