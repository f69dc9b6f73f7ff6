"""The code shared by workers and triggerers: a step's task, its stored values, stopping and recording."""
