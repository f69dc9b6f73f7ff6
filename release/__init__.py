"""The checklist before a release: ``make release TAG=v0.1.0``.  Nothing is published; that is the workflow's part."""
