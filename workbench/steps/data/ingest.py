"""Ingest: look at a person's files, say what is in them, and only then write them to the workspace."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from workbench.errors import BadInput, UnknownName
from workbench.formats import Collection, Problem, Ranking
from workbench.formats.bulk import KEPT, bulk_run
from workbench.formats.parsing.lookup import ImportedRows
from workbench.results import Result
from workbench.steps.data.formats import readable
from workbench.steps.data.imported import add_imported
from workbench.steps.data.leaks import Leaks, leaks
from workbench.steps.data.readers import Contents, IngestSettings, Source
from workbench.store import Added, Misfit, Store, add_ranking, views

NOTHING = Added(0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Preview(Result):
    """What an ingest would write: every row that can be read, and every problem with file and line."""

    columns: ClassVar = {"file": "which file", "line": "from 1; in Parquet the row", "what": "what cannot be read"}

    kind: str
    source: str
    contents: Contents

    @property
    def collection(self) -> Collection:
        """Return the queries, passages and qrels; none, if the files are about those of the workspace."""
        return self.contents if isinstance(self.contents, Collection) else Collection()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Return what cannot be read, in the order of the files."""
        return self.contents.problems

    @property
    def counts(self) -> dict[str, int]:
        """Return how many rows of each kind there are."""
        return self.contents.counts

    @property
    def in_words(self) -> str:
        """Return what there is, in a sentence."""
        counts = ", ".join(f"{count:,} {name}" for name, count in self.counts.items())
        return f"{self.source}: {counts}, {self.collection.duplicates:,} duplicates, {len(self.problems):,} problems"

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return the problems."""
        return self.problems


@dataclass(frozen=True)
class Ingested(Result):
    """What an ingest wrote, and what it left out because it was asked to skip bad lines.

    `leaks` count the queries of dev and test that train has seen, once all is written.
    """

    columns: ClassVar = {"rows": "of which kind", "added": "how many were new"}

    kind: str
    source: str
    added: Added
    hits: int
    duplicates: int
    skipped: tuple[Problem, ...]
    annotations: int = 0
    utilities: int = 0
    leaks: Leaks | None = None

    @property
    def in_words(self) -> str:
        """Return what was added, in a sentence."""
        added, skipped = self.added, f"{len(self.skipped):,} lines skipped"
        if self.hits or self.kind == "run":
            return f"{self.hits:,} hits from {self.source}; {skipped}."
        imported = {"annotations": self.annotations, "utilities": self.utilities}
        if counts := [f"{count:,} {name}" for name, count in imported.items() if count]:
            replaced = f", {added.replaced:,} in place of others" if added.replaced else ""
            return f"{' and '.join(counts)} added from {self.source}{replaced}; {self.duplicates:,} were there already."
        leaked = f" {self.leaks.in_words}" if self.leaks and self.leaks.of else ""
        tags = f"{added.tagged:,} queries given tags, " if added.tagged else ""
        return (
            f"{added.queries:,} queries, {added.passages:,} passages and {added.qrels:,} qrels added from "
            f"{self.source}; {added.unchanged:,} rows were there already, {added.replaced:,} replaced, {tags}"
            f"{self.duplicates:,} repeated in the files, {skipped}.{leaked}"
        )

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return each kind of row with how many were added."""
        counts = {"queries": self.added.queries, "passages": self.added.passages, "qrels": self.added.qrels}
        return [*counts.items(), ("hits", self.hits), ("annotations", self.annotations), ("utilities", self.utilities)]


def preview(
    kind: str, path: Path | str, settings: IngestSettings | None = None, *, store: Store | None = None
) -> Preview:
    """Read files and write nothing.

    Parameters
    ----------
    kind : str
        The format, one of those that `workbench ingest --help` lists, such as "beir", "table" or "run".
    path : Path or str
        The file or folder.
    settings : IngestSettings, optional
        How files are read where they do not say it themselves.
    store : Store, optional
        The workspace, in which qrels, runs and whatever comes back from an export must find their queries and passages.

    Returns
    -------
    Preview
        The rows, and every problem with file and line.

    Raises
    ------
    UnknownName
        There is no such format.
    BadInput
        The file is not there, or nothing in it can be read.
    NothingToDo
        The files are about a collection, and there is no workspace.
    BadSetting
        The files hold scores, and no teacher is named.

    Examples
    --------
    >>> wb.preview("beir", wb.SAMPLE).counts
    {'queries': 1981, 'passages': 740, 'qrels': 1981}
    """
    if kind not in (formats := readable()):
        raise UnknownName("format", kind, list(formats))
    read = formats[kind].read
    assert read is not None
    return Preview(kind, str(path), read(Source(kind, Path(path), settings or IngestSettings(), store)))


def ingest(store: Store, kind: str, path: Path | str, settings: IngestSettings | None = None) -> Ingested:
    """Write what files hold to the workspace, all of it or nothing; the same files twice change nothing.

    Parameters
    ----------
    store : Store
        The workspace.
    kind : str
        The format, one of those that `workbench ingest --help` lists, such as "beir", "table" or "run".
    path : Path or str
        The file or folder.
    settings : IngestSettings, optional
        How files are read where they do not say it themselves; whether bad lines are skipped, and known rows replaced.

    Returns
    -------
    Ingested
        How much was added, and which lines were skipped.

    Raises
    ------
    UnknownName
        There is no such format.
    BadInput
        Something cannot be read; nothing was written, unless bad lines are skipped.
    Conflict
        The workspace holds other content under a known id, and it is not to be replaced.
    NothingToDo
        The files are about a collection, and the workspace holds none.
    BadSetting
        The files hold scores, and no teacher is named.

    Examples
    --------
    >>> wb.ingest(store, "beir", wb.SAMPLE).added.passages
    740
    >>> wb.ingest(store, "beir", wb.SAMPLE).added.passages
    0
    """
    chosen = settings or IngestSettings()
    if kind == "run" and (hits := _add_in_bulk(store, Path(path), chosen)) is not None:
        return Ingested(kind, str(path), NOTHING, hits, 0, ())
    previewed = preview(kind, path, chosen, store=store)
    must_be_whole(previewed, chosen)
    return keep(store, previewed, chosen)


def must_be_whole(previewed: Preview, settings: IngestSettings) -> None:
    """Raise BadInput if there is anything that cannot be read, unless bad lines are to be skipped."""
    if previewed.problems and not settings.skip_bad_lines:
        first, more = previewed.problems[0], len(previewed.problems) - 1
        raise BadInput(
            first.what + (f" (and {more:,} more problems)" if more else ""),
            first.file,
            first.line,
            "Nothing was written. Mend the file, or skip bad lines (--skip-bad-lines) and get a list of them.",
        )


def keep(store: Store, previewed: Preview, settings: IngestSettings) -> Ingested:
    """Write the rows of a preview."""
    kind, source, contents = previewed.kind, previewed.source, previewed.contents
    if isinstance(contents, ImportedRows):
        counts = add_imported(store, contents, replace=settings.replace)
        return Ingested(
            kind, source, counts.added, 0, counts.unchanged, contents.problems, counts.annotations, counts.utilities,
            leaks(store) if contents.qrels else None,
        )  # fmt: skip
    if isinstance(contents, Ranking):
        return Ingested(kind, source, NOTHING, _add_ranking(store, contents, settings), 0, contents.problems)
    added = store.add_collection(contents.queries, contents.passages, contents.qrels, replace=settings.replace)
    return Ingested(kind, source, added, 0, contents.duplicates, contents.problems, leaks=leaks(store))


def _add_in_bulk(store: Store, path: Path, settings: IngestSettings) -> int | None:
    """Add a run without a Python object a hit; return how many hits are new, None for whoever reads line by line."""
    try:
        name, tables = bulk_run(path)
        return add_ranking(store, name, tables, views.collection_fingerprint(store), replace=settings.replace)
    except (BadInput, Misfit):  # nothing was written; reading line by line says what it is and where
        return None


def _add_ranking(store: Store, ranking: Ranking, settings: IngestSettings) -> int:
    """Add what was read line by line; return how many hits are new."""
    import pyarrow as pa

    columns = list(zip(*ranking.hits, strict=True)) or [(), (), ()]
    kinds = (pa.string(), pa.string(), pa.float64())
    table = pa.table([pa.array(*column) for column in zip(columns, kinds, strict=True)], names=list(KEPT))
    return add_ranking(store, ranking.name, [table], views.collection_fingerprint(store), replace=settings.replace)
