"""SageMaker's control plane: one handler per operation."""
