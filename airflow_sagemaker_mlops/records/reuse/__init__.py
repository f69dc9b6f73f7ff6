"""Results of earlier runs for the steps that a selective run does not execute."""
