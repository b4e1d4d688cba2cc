"""Preview: look at a person's files and say what is in them, before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from workbench.errors import UnknownName
from workbench.formats import Collection, Problem, Ranking, Rankings
from workbench.progress import listening
from workbench.records import Listener, silent
from workbench.results import Result, counted
from workbench.steps.data.formats import readable
from workbench.steps.data.readers import Contents, IngestSettings, Source
from workbench.store import Store, views


@dataclass(frozen=True)
class Preview(Result):
    """What an ingest would write: every row that can be read, and every problem with file and line.

    `queries_by_id` and `passages_by_id` are named by qrels or hits, and their text is neither in the files nor in the
    workspace: no more than the id would be known of them.
    """

    columns: ClassVar = {"file": "which file", "line": "from 1; in Parquet the row", "what": "what cannot be read"}

    kind: str
    source: str
    contents: Contents
    queries_by_id: int = 0
    passages_by_id: int = 0

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
        problems = f"{counted(self.collection.duplicates, 'duplicate')}, {counted(len(self.problems), 'problem')}"
        return f"{self.source}: {counts}, {problems}{self._by_id}"

    @property
    def _by_id(self) -> str:
        counts = {"queries": self.queries_by_id, "passages": self.passages_by_id}
        if not any(counts.values()):
            return ""
        counted = " and ".join(f"{count:,} {what}" for what, count in counts.items() if count)
        return f"; {counted} are named without a text, here or in the workspace, and would be known by id only"

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return the problems."""
        return self.problems


def preview(
    kind: str,
    path: Path | str,
    settings: IngestSettings | None = None,
    *,
    store: Store | None = None,
    listen: Listener = silent,
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
    listen : Listener
        Called with the progress.

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
    with listening(listen):
        previewed = read_files(kind, path, settings or IngestSettings(), store)
    queries, passages = _known_by_id(previewed.contents, store)
    return replace(previewed, queries_by_id=queries, passages_by_id=passages)


def read_files(kind: str, path: Path | str, settings: IngestSettings, store: Store | None) -> Preview:
    """Return the rows of files, and what cannot be read, whatever the workspace holds of it."""
    if kind not in (formats := readable()):
        raise UnknownName("format", kind, list(formats))
    read = formats[kind].read
    assert read is not None
    return Preview(kind, str(path), read(Source(kind, Path(path), settings, store)))


def _known_by_id(contents: Contents, store: Store | None) -> tuple[int, int]:
    """Return how many queries and passages are named, and have a text neither in the contents nor in the workspace."""
    query_ids: set[str] = set()
    passage_ids: set[str] = set()
    if isinstance(contents, Collection):
        query_ids.update(qrel.query_id for qrel in contents.qrels)
        passage_ids.update(qrel.passage_id for qrel in contents.qrels)
        query_ids -= {query.query_id for query in contents.queries if query.text}
        passage_ids -= {passage.passage_id for passage in contents.passages if passage.title or passage.text}
    elif isinstance(contents, Ranking | Rankings):
        for ranking in contents.rankings if isinstance(contents, Rankings) else (contents,):
            query_ids.update(query_id for query_id, _, _ in ranking.hits)
            passage_ids.update(passage_id for _, passage_id, _ in ranking.hits)
    if store:
        query_ids, passage_ids = views.lacking_text(store, query_ids, passage_ids)
    return len(query_ids), len(passage_ids)
