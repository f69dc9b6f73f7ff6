"""Runs of pipelines in one process, without Airflow: the shared base of notebooks, tests, CI and the command line."""
