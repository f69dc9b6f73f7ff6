"""The public classes: a definition as a DAG, or as a task group in a larger DAG."""
