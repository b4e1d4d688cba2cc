"""The guidelines: what the annotators of a workspace agreed to mean by their verdicts, a text file beside the data."""

from __future__ import annotations

from pathlib import Path

from workbench import files
from workbench.errors import WorkbenchError
from workbench.store import Store

USUAL = """\
Useful: someone who reads only this passage can answer the query better than before.
Useless: the passage neither helps nor misleads, whatever it has in common with the query.
Harmful: whoever answers from it would answer wrongly.
Unsure: you cannot tell without knowing more.

Grades: 0 does not help, 1 helps a little, 2 helps, 3 answers the query in full.
"""


def guidelines(store: Store) -> str:
    """Return the workspace's guidelines, or the usual ones if nobody has written any."""
    try:
        return (store.guidelines).read_text(encoding="utf-8")
    except FileNotFoundError:
        return USUAL
    except (OSError, UnicodeDecodeError) as trouble:
        raise WorkbenchError(f"{store.guidelines} cannot be read.", "Make it a text file in UTF-8.") from trouble


def write_guidelines(store: Store, text: str) -> Path:
    """Write the guidelines, whole or not at all, and return their file."""
    place = store.guidelines
    try:
        files.write_text(place, text.strip() + "\n")
    except OSError as trouble:
        raise WorkbenchError(
            f"{place} cannot be written: {trouble.strerror}.", "Check the folder's rights."
        ) from trouble
    return place
