"""Runs of a part of a pipeline: what the conf asks for, and what each step does about it."""
