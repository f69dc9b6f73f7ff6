"""Credentials from Airflow's connections."""
