"""Whether stored records are as they were sealed."""
