"""The parts of S3 that our own code serves: objects on disk, versions, checksums, chunked bodies."""
