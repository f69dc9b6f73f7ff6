"""Reads definitions as plain JSON from files, text, YAML, SDK objects, and documents that contain one."""
