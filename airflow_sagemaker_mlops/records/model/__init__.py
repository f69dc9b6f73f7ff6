"""The record of a run and of a step as plain data, and its one spelling as bytes."""
