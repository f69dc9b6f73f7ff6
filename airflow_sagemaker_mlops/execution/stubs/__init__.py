"""Stub results in place of real work: running with them, and generating them for a whole plan."""
