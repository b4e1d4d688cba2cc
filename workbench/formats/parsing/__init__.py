"""Parsing: files as numbered lines and tables, their values, and the ids they name."""
