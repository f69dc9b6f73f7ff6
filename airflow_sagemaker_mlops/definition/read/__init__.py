"""From what a user calls a definition to plain JSON: files, text, YAML, SDK objects, wrappers around it."""
