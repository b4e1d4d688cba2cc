"""The shell face: one command a verb, the same functions that notebooks call."""

from workbench.cli.app import main

__all__ = ["main"]
