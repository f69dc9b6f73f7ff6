"""Releases: a project's DAG files, definitions and code, deployed to a stage and rolled back together."""
