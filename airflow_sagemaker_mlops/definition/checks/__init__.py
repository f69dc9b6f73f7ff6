"""Rules over a parsed definition: whether its names resolve, and what is certainly a mistake."""
