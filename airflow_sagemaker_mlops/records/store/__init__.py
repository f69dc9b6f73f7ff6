"""Where records are kept: S3 or a folder, keys, index and readers."""
