"""Runs from elsewhere into the workspace: a file, or a folder with a file a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from workbench.errors import BadInput, WorkbenchError
from workbench.formats import Problem, Ranking, read_run
from workbench.formats.bulk import KEPT, bulk_run
from workbench.formats.run_folder import run_files, run_names
from workbench.steps.data.readers import IngestSettings, must_be_whole
from workbench.store import Added, Misfit, Store, add_ranking, views


class AddedRuns(NamedTuple):
    """What was added under which names; the lines that were skipped, and why files of a folder were refused."""

    added: Added
    names: tuple[str, ...]
    skipped: tuple[Problem, ...] = ()
    refused: tuple[Problem, ...] = ()


def add_runs(store: Store, path: Path, settings: IngestSettings) -> AddedRuns:
    """Add the run of a file, or the runs of a folder, each of them whole or not at all.

    A file of a folder that cannot be added does not keep out the others; if none can, the first one's error is raised.
    """
    parts: dict[str, tuple[Added, tuple[Problem, ...]]] = {}
    refused: list[Problem] = []
    for file, name in run_names(run_files(path), settings.run_names).items():
        try:
            parts[name] = _add_file(store, file, name, settings)
        except WorkbenchError as trouble:
            if not path.is_dir():
                raise
            refused.append(_problem(file, trouble))
    if not parts:
        first, more = refused[0], len(refused) - 1
        hint = f"Nothing was written; {more:,} other files could not be added either."
        raise BadInput(first.what, first.file, first.line, hint)
    skipped = tuple(problem for _, problems in parts.values() for problem in problems)
    return AddedRuns(Added.total(added for added, _ in parts.values()), tuple(parts), skipped, tuple(refused))


def add_read(store: Store, rankings: Sequence[Ranking], settings: IngestSettings) -> AddedRuns:
    """Add runs that were read line by line."""
    added = Added.total([_add_ranking(store, ranking, settings) for ranking in rankings])
    problems = tuple(problem for ranking in rankings for problem in ranking.problems)
    return AddedRuns(added, tuple(ranking.name for ranking in rankings), problems)


def _add_file(store: Store, file: Path, name: str, settings: IngestSettings) -> tuple[Added, tuple[Problem, ...]]:
    """Add a run without a Python object a hit, or, if it is irregular, line by line; return the skipped lines too."""
    try:
        tables = bulk_run(file).tables
        fingerprint = views.collection_fingerprint(store)
        return add_ranking(store, name, tables, fingerprint, split=settings.split, replace=settings.replace), ()
    except (BadInput, Misfit):  # nothing was written; reading line by line says what it is and where
        ranking = read_run(file)
        must_be_whole(ranking.problems, settings)
        return _add_ranking(store, replace(ranking, name=name), settings), ranking.problems


def _add_ranking(store: Store, ranking: Ranking, settings: IngestSettings) -> Added:
    import pyarrow as pa

    columns = list(zip(*ranking.hits, strict=True)) or [(), (), ()]
    kinds = (pa.string(), pa.string(), pa.float64())
    table = pa.table([pa.array(*column) for column in zip(columns, kinds, strict=True)], names=list(KEPT))
    fingerprint = views.collection_fingerprint(store)
    return add_ranking(store, ranking.name, [table], fingerprint, split=settings.split, replace=settings.replace)


def _problem(file: Path, trouble: WorkbenchError) -> Problem:
    if isinstance(trouble, BadInput):
        return Problem(trouble.file, trouble.line, trouble.what)
    return Problem(str(file), 0, trouble.problem)
