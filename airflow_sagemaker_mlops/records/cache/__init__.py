"""The step cache: keys, entries, and why a step was not found in it."""
