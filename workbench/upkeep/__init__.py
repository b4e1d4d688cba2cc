"""Upkeep of a workspace: whether it is whole, and what it no longer needs."""
