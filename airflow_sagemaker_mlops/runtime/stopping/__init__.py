"""Stopping jobs: of a whole run, from a worker, and at the final failure of a task."""
