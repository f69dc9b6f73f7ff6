"""Exports records to formats of other tools: CSV, OpenLineage, SLSA provenance."""
