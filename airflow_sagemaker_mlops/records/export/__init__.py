"""Records in formats of other tools: CSV, OpenLineage, SLSA provenance."""
