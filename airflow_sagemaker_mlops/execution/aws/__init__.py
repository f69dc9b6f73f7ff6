"""Calls to AWS: clients, threads, and what an error means."""
