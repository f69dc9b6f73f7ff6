"""SageMaker's control plane: operations by name."""
