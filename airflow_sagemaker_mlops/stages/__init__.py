"""Stages: one configuration file for each place where the same pipelines run, ``config/prod.yaml``."""
