"""Waits for jobs: the poller, events that wake it, container logs and console links."""
