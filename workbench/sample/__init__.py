"""The bundled sample: a few articles of SQuAD in BEIR form, to try the whole walk without a download."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

SAMPLE: Path = Path(str(files(__name__))) / "squad"

__all__ = ["SAMPLE"]
