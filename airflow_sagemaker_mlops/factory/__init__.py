"""What users write: a definition as a DAG, or as a task group in a bigger one."""
