"""Rules over a parsed definition: what its names refer to, and what cannot be meant."""
