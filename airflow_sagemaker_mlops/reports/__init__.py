"""A run, a comparison and a model's history for people: plain data for pages, and HTML files that need no server."""
