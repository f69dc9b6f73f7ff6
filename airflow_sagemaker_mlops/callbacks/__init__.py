"""Answers to Callback steps: the endpoint in Airflow's API server, and what it shares with the waiting step."""
