"""Parts of S3 that the embedded AWS answers by itself: objects on disk, versions, checksums, chunked bodies."""
