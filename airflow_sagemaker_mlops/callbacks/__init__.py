"""Answers to Callback steps: the endpoint in Airflow's API server, and the data it shares with the waiting step."""
