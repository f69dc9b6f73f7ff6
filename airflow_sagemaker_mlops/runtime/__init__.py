"""What a worker and a triggerer share: the task of a step, what it stores, how it is stopped and recorded."""
