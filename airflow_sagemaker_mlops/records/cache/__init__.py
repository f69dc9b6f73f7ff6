"""The step cache: keys, entries, and explanations of misses."""
