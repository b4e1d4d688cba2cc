"""Rows of a workspace of any size, those of some queries at a time."""
