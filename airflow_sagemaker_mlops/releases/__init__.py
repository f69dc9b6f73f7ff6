"""Releases: a project's DAG files, definitions and code in a stage, deployed and rolled back as one."""
