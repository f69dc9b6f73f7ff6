"""Declared results in place of real work: running on them, and generating them for a whole plan."""
