"""What a step stores between its processes and attempts, from a worker and from a triggerer."""
