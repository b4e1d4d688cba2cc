"""From which folders of the server the dashboard may read files: those that whoever started it allows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from workbench.errors import BadInput

FOLDERS_VARIABLE = "WORKBENCH_FOLDERS"  # as PATH spells several folders


def allowed_folders(workspace: Path) -> list[Path]:
    """Return the folders that `workbench serve --allow` named, else where it started and the workspace's parent."""
    given = os.environ.get(FOLDERS_VARIABLE, "")
    folders = [Path(part) for part in given.split(os.pathsep) if part] or [Path.cwd(), workspace.parent]
    return list(dict.fromkeys(folder.expanduser().resolve() for folder in folders))


def allowed_path(text: str, folders: Sequence[Path]) -> Path:
    """Return the path that a person typed, links followed; raises BadInput if it is outside all of `folders`.

    A relative path is looked for in each of them.
    """
    try:
        typed = Path(text.strip()).expanduser()
        paths = [(folder / typed).resolve() for folder in folders]
        inside = [path for path, folder in zip(paths, folders, strict=True) if path.is_relative_to(folder)]
        inside += [path for path in paths if any(path.is_relative_to(folder) for folder in folders)]
        existing = next((path for path in inside if path.exists()), None)
    except (OSError, ValueError, RuntimeError) as error:  # a null byte, a loop of links, nobody's home
        raise BadInput(f"This is no path ({error}).", text) from error
    if not inside:
        listed = ", ".join(map(str, folders))
        raise BadInput(
            "This path is outside the folders that the dashboard may read.",
            text,
            hint=f"Allowed: {listed}. `workbench serve --allow FOLDER` allows another; or upload the file.",
        )
    if existing is None:
        raise BadInput("There is no such file or folder.", text, hint=f"Looked in: {', '.join(map(str, folders))}.")
    return existing
