"""The records of runs and steps as plain data, and their canonical bytes."""
