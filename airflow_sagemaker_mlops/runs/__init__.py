"""Runs of pipelines in one process, without Airflow: what notebooks, tests, CI and the command line share."""
