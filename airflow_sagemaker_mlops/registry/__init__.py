"""The champion of a model package group: finds it, replaces it, and keeps the history of its changes.

Uses boto3 clients, but neither Airflow nor steps.  All functions block.
``docs/decisions/0011-champions-change-by-compare-and-set.md`` describes the protocol.
"""
