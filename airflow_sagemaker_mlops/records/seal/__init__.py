"""Sealing a record: hash chain, signatures, anchors outside, and amendments after it."""
