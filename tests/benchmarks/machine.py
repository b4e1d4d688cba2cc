"""What a figure was measured on."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version

from workbench import machine

LIBRARIES = ("torch", "transformers", "sentence-transformers", "faiss-cpu", "duckdb", "bm25s")


def description() -> str:
    """Return machine, load, versions and command as lines of text."""
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"machine   {machine.cpu_name()}, {machine.cores()} cores, load {os.getloadavg()[0]:.1f}, "
        f"Python {sys.version.split()[0]}\nversions  {versions}\ncommand   {' '.join(sys.orig_argv)}"
    )
