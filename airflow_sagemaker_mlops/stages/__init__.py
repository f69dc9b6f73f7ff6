"""Stages: one configuration file, such as ``config/prod.yaml``, for each place where the same pipelines run."""
