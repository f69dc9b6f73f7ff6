"""Places in the queue of steps that wait for their turn."""
