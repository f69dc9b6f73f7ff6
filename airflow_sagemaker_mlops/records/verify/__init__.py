"""Checks that stored records are unchanged since they were sealed."""
