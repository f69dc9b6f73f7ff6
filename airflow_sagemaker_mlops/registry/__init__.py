"""The champion of a model package group: who it is, how another one takes its place, and the history of that.

Knows boto3 clients, and neither Airflow nor steps.  All functions block.
``docs/decisions/0011-champions-change-by-compare-and-set.md`` has the protocol.
"""
