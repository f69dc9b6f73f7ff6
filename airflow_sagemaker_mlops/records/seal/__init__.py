"""Sealing records: hash chain, signatures, hashes in the model registry, and later amendments."""
