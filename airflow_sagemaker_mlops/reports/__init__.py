"""Reports on a run, a comparison and a model's history: plain data for pages, and HTML files that need no server."""
