"""EMR on this machine: clusters and their steps."""
