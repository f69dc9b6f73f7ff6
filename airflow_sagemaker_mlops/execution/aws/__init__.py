"""Calls to AWS: clients, threads, and classification of errors."""
