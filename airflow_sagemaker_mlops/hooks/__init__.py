"""Credentials out of Airflow's connections."""
