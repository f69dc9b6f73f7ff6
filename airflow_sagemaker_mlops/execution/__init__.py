"""Running one step, without Airflow: resolve, submit exactly once, watch, collect; see :mod:`.engine`."""
