"""Reproduces recorded runs: with the recorded input versions and answers, and compares the results."""
