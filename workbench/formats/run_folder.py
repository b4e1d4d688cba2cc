"""Folders of runs: a file a run, named by the tag in it or by the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from workbench.errors import BadInput
from workbench.formats.parsing.gathering import Problem, Ranking, Rankings
from workbench.formats.parsing.lines import open_text
from workbench.formats.trec import WORD, read_run

# What a run is named by: the tag in its last column, or its file.
RunNames = Literal["tag", "file"]
ENDINGS = (".txt", ".run", ".trec", ".tsv", ".res", ".out")


def run_files(path: Path) -> list[Path]:
    """Return a file itself, or the files of a folder that may be runs: neither hidden nor an export's manifest."""
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    runs = [file for file in files if not file.name.endswith(".manifest.json")]
    if not runs:
        raise BadInput("the folder holds no file.", path, hint="A folder of runs holds one file a run.")
    return runs


def run_names(files: Sequence[Path], by: RunNames = "tag") -> dict[Path, str]:
    """Return the name of each run: its tag; or its file's name, where that is asked for or others have the same tag."""
    tags = {file: _tag(file) for file in files}
    shared = Counter(tags.values())
    stems = {file: _stem(file) for file in files}
    alike = Counter(stems.values())
    return {
        file: tag if by == "tag" and tag and shared[tag] == 1 else stem if alike[stem] == 1 else _word(file.name)
        for (file, tag), stem in zip(tags.items(), stems.values(), strict=True)
    }


def read_runs(path: Path, by: RunNames = "tag") -> Ranking | Rankings:
    """Read a run, or the runs of a folder; a file that cannot be read at all is a problem among those of the others."""
    rankings, problems = [], []
    names = run_names(run_files(path), by)
    for file, name in names.items():
        try:
            rankings.append(replace(read_run(file), name=name))
        except BadInput as trouble:
            if not path.is_dir():
                raise
            problems.append(Problem(trouble.file, trouble.line, trouble.what))
    return Rankings(tuple(rankings), tuple(problems)) if path.is_dir() else rankings[0]


def _tag(file: Path) -> str:
    """Return the tag of the first line that is a run's; none, if there is no such line."""
    try:
        lines = (WORD.findall(text) for _, text in open_text(file, []))
        return next((words[-1] for words in lines if len(words) == 6), "")
    except BadInput:
        return ""


def _stem(file: Path) -> str:
    """Return a file's name without the endings that runs have, as one word."""
    name = file.name.removesuffix(".gz")
    ending = next((ending for ending in ENDINGS if name.endswith(ending)), "")
    return _word(name.removesuffix(ending))


def _word(name: str) -> str:
    return "-".join(name.split())
