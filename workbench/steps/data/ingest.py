"""Ingest: look at a person's files, say what is in them, and only then write them to the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workbench.errors import BadInput, NothingToDo, UnknownName
from workbench.formats import Collection, Problem, Ranking, read_beir, read_qrels, read_run, read_table
from workbench.formats.bulk import KEPT, bulk_run
from workbench.formats.parsing.lookup import ImportedRows
from workbench.formats.trec import Doubt, no_doubt
from workbench.records import UNITS, Unit
from workbench.steps.data.readers import IMPORTS, ImportSettings, keep_imported, read_imported
from workbench.store import Added, Misfit, Store, add_ranking, views

FORMATS = ("beir", "table", "qrels", "run", *IMPORTS)


@dataclass(frozen=True)
class IngestSettings:
    """How files are read: a table's own column names, and the relevance of its pairs if no column says it.

    `replace` lets new content replace old under a known id; without it such a thing stops the ingest.
    `teacher` names whose scores a training file holds, `unit` what they are measured in, `annotator` who judged where
    a file does not say.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    relevance: int | None = None
    skip_bad_lines: bool = False
    replace: bool = False
    teacher: str = ""
    unit: Unit = "unknown"
    annotator: str = ""

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise UnknownName("unit", self.unit, list(UNITS))


@dataclass(frozen=True)
class Preview:
    """What an ingest would write: every row that can be read, and every problem with file and line."""

    kind: str
    source: str
    found: Collection
    rankings: Ranking | None = None
    taken: ImportedRows | None = None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Return what cannot be read, in the order of the files."""
        if self.taken:
            return self.taken.problems
        return self.rankings.problems if self.rankings else self.found.problems

    @property
    def counts(self) -> dict[str, int]:
        """Return how many rows of each kind there are."""
        if self.taken:
            return self.taken.counts
        if self.rankings:
            return {"queries": len({hit[0] for hit in self.rankings.hits}), "hits": len(self.rankings.hits)}
        found = self.found
        return {"queries": len(found.queries), "passages": len(found.passages), "qrels": len(found.qrels)}


@dataclass(frozen=True)
class Ingested:
    """What an ingest wrote, and what it left out because it was asked to skip bad lines."""

    kind: str
    source: str
    added: Added
    hits: int
    duplicates: int
    skipped: tuple[Problem, ...]
    annotations: int = 0
    utilities: int = 0


def preview(
    kind: str, path: Path | str, settings: IngestSettings | None = None, *, store: Store | None = None
) -> Preview:
    """Read files of a kind, one of `FORMATS`, and write nothing.

    With a `store`, qrels and runs about queries or passages that it does not hold are problems too. What comes
    back from an export is about a collection, and cannot be read without one.
    """
    if kind not in FORMATS:
        raise UnknownName("format", kind, list(FORMATS))
    chosen = settings or IngestSettings()
    if kind in IMPORTS:
        return _preview_imported(kind, path, chosen, store)
    doubt = _doubt(store) if store and kind in ("qrels", "run") else no_doubt
    if kind == "run":
        return Preview(kind, str(path), Collection(), read_run(path, doubt))
    if kind == "qrels":
        return Preview(kind, str(path), read_qrels(path, doubt))
    if kind == "table":
        return Preview(kind, str(path), read_table(path, chosen.columns, chosen.relevance))
    return Preview(kind, str(path), read_beir(path))


def ingest(store: Store, kind: str, path: Path | str, settings: IngestSettings | None = None) -> Ingested:
    """Write what the files hold to the workspace, all of it in one transaction or nothing.

    A line that cannot be read stops it with BadInput, unless bad lines are skipped; then each is listed in
    the result. The same files twice change nothing.
    """
    chosen = settings or IngestSettings()
    if kind == "run" and (hits := _add_in_bulk(store, Path(path), chosen)) is not None:
        return Ingested(kind, str(path), Added(0, 0, 0, 0, 0), hits, 0, ())
    seen = preview(kind, path, chosen, store=store)
    must_be_whole(seen, chosen)
    return keep(store, seen, chosen)


def must_be_whole(seen: Preview, settings: IngestSettings) -> None:
    """Raise BadInput if there is anything that cannot be read, unless bad lines are to be skipped."""
    if seen.problems and not settings.skip_bad_lines:
        first, more = seen.problems[0], len(seen.problems) - 1
        raise BadInput(
            first.what + (f" (and {more:,} more problems)" if more else ""),
            first.file,
            first.line,
            "Nothing was written. Mend the file, or skip bad lines (--skip-bad-lines) and get a list of them.",
        )


def keep(store: Store, seen: Preview, settings: IngestSettings) -> Ingested:
    """Write what a preview has found."""
    if seen.taken:
        kept = keep_imported(store, seen.taken, settings.replace)
        return Ingested(
            seen.kind, seen.source, kept.added, 0, kept.unchanged, seen.problems, kept.annotations, kept.utilities
        )
    if seen.rankings:
        hits = _add_rankings(store, seen.rankings, settings)
        return Ingested(seen.kind, seen.source, Added(0, 0, 0, 0, 0), hits, 0, seen.problems)
    found = seen.found
    added = store.add_collection(found.queries, found.passages, found.qrels, replace=settings.replace)
    return Ingested(seen.kind, seen.source, added, 0, found.duplicates, seen.problems)


def _preview_imported(kind: str, path: Path | str, chosen: IngestSettings, store: Store | None) -> Preview:
    if not store:
        raise NothingToDo(
            f"A file of {kind} is about a collection, and there is none yet.", "Ingest queries and passages first."
        )
    taken = read_imported(store, kind, Path(path), ImportSettings(chosen.teacher, chosen.unit, chosen.annotator))
    return Preview(kind, str(path), Collection(), taken=taken)


def _doubt(store: Store) -> Doubt:
    """Return what objects to ids that the workspace does not hold."""
    queries = {query.query_id for query in views.queries(store)}
    passages = {passage.passage_id for passage in views.passages(store)}

    def doubt(query_id: str, passage_id: str) -> str:
        if query_id not in queries:
            return f"the workspace has no query {query_id!r}"
        return "" if passage_id in passages else f"the workspace has no passage {passage_id!r}"

    return doubt


def _add_in_bulk(store: Store, path: Path, settings: IngestSettings) -> int | None:
    """Add a run without a Python object a hit; return how many hits are new, None for whoever reads line by line."""
    try:
        name, tables = bulk_run(path)
        return add_ranking(store, name, tables, views.collection_fingerprint(store), replace=settings.replace)
    except (BadInput, Misfit):  # nothing was written; reading line by line says what it is and where
        return None


def _add_rankings(store: Store, ranking: Ranking, settings: IngestSettings) -> int:
    """Add what was read line by line; return how many hits are new."""
    import pyarrow as pa

    columns = list(zip(*ranking.hits, strict=True)) or [(), (), ()]
    kinds = (pa.string(), pa.string(), pa.float64())
    table = pa.table([pa.array(*column) for column in zip(columns, kinds, strict=True)], names=list(KEPT))
    return add_ranking(store, ranking.name, [table], views.collection_fingerprint(store), replace=settings.replace)
