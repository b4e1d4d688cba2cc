"""Ingest: read a person's files, and write them to the workspace once all of them could be read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from workbench.errors import BadInput
from workbench.files import DRAFTS
from workbench.formats import Problem, Ranking, Rankings
from workbench.formats.parsing.lookup import ImportedRows
from workbench.progress import listening
from workbench.records import Listener, Passage, Progress, Qrel, Query, silent
from workbench.results import Result, counted
from workbench.steps.data.formats import readable
from workbench.steps.data.imported import add_imported
from workbench.steps.data.preview import Preview, read_files
from workbench.steps.data.readers import IngestSettings, Source, must_be_whole
from workbench.steps.data.runs import AddedRuns, add_read, add_runs
from workbench.steps.data.score_checks import score_checks
from workbench.steps.data.splits.leaks import Leaks, leaks
from workbench.store import Added, Store

MANY_ROWS = 100_000  # to write more of them takes a while
LARGE = 32 << 20  # bytes of files above which they are read and written in parts
CHARACTERS_AT_ONCE = 16 << 20


@dataclass(frozen=True)
class Ingested(Result):
    """What an ingest wrote, and what it left out because it was asked to skip bad lines.

    `kinds` are those of the rows that the files hold. `runs` names the runs, `refused` says of the files of a folder
    which of them were not added, and why.
    `leaks` count the queries of dev and test that train has seen, once all is written. `odd_scores` say what is odd
    about the utilities of imported teachers: ties, constants, missing pairs, ranges that their unit does not have.
    """

    columns: ClassVar = {"rows": "of which kind", "added": "how many were new"}

    kind: str
    source: str
    kinds: tuple[str, ...]
    added: Added
    duplicates: int = 0
    skipped: tuple[Problem, ...] = ()
    annotations: int = 0
    utilities: int = 0
    runs: tuple[str, ...] = ()
    refused: tuple[Problem, ...] = ()
    leaks: Leaks | None = None
    odd_scores: tuple[str, ...] = ()

    @property
    def hits(self) -> int:
        """Return how many hits were added."""
        return self.added.hits

    @property
    def in_words(self) -> str:
        """Return what was added, what was there already and what came without its text, in sentences."""
        leaked = self.leaks.in_words if self.leaks and self.leaks.of else ""
        return " ".join(
            filter(None, (self._counted, self._known_by_id, self._refused, self.warning, *self.odd_scores, leaked))
        )

    @property
    def warning(self) -> str:
        """Return what makes it likely that this was the wrong file; "" if nothing does."""
        if not self.added.no_query_known:
            return ""
        return (
            "WARNING: not one query of it was known to the workspace. If these are not new queries, it is the wrong "
            "file, or its ids are spelled otherwise."
        )

    @property
    def _counted(self) -> str:
        added, counts = self.added, self._added_by_kind
        words = [f"{counts.get(kind, 0):,} {kind}" for kind in self.kinds]
        runs = f" of {len(self.runs):,} runs" if len(self.runs) > 1 else ""
        others = {
            "replaced": added.replaced,
            "known by id before and given their text": added.filled,
            "queries given tags": added.tagged,
            "repeated in the files": self.duplicates,
            "lines skipped": len(self.skipped),
        }
        noted = "".join(f", {count:,} {what}" for what, count in others.items() if count)
        return (
            f"{', '.join(words[:-1])}{' and ' if words[1:] else ''}{words[-1]}{runs} added from {self.source}; "
            f"{added.unchanged:,} {self.kinds[0] if len(self.kinds) == 1 else 'rows'} were there already{noted}."
        )

    @property
    def _known_by_id(self) -> str:
        added = self.added
        new = {"new queries": added.queries_by_id, "new passages": added.passages_by_id}
        counted = " and ".join(f"{count:,} {what}" for what, count in new.items() if count)
        explained = "measured and shown, but never encoded, scored or trained on until their text is ingested"
        sentences = (
            f"{counted} are known by id only: {explained}." if counted else "",
            f"{added.without_text:,} {'hits' if self.runs else 'qrels'} are of queries or passages known by id only."
            if added.without_text
            else "",
        )
        return " ".join(filter(None, sentences))

    @property
    def _refused(self) -> str:
        if not self.refused:
            return ""
        return f"{counted(len(self.refused), 'file')} not added, the first {Path(self.refused[0].file).name}: " + (
            self.refused[0].what.rstrip(".") + "."
        )

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return each kind of row with how many were added."""
        return list(self._added_by_kind.items())

    @property
    def _added_by_kind(self) -> dict[str, int]:
        counts = {name: getattr(self.added, name) for name in ("queries", "passages", "qrels", "hits")}
        return counts | {"annotations": self.annotations, "utilities": self.utilities}


def ingest(
    store: Store, kind: str, path: Path | str, settings: IngestSettings | None = None, listen: Listener = silent
) -> Ingested:
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
    listen : Listener
        Called with the progress.

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
    if kind == "run":
        with listening(listen):
            return _runs_ingested(kind, str(path), add_runs(store, Path(path), chosen))
    with listening(listen):
        if ingested := _large_ingested(store, kind, Path(path), chosen):
            return ingested
        previewed = read_files(kind, path, chosen, store)
    must_be_whole(previewed.problems, chosen)
    return keep(store, previewed, chosen, listen)


def keep(store: Store, previewed: Preview, settings: IngestSettings, listen: Listener = silent) -> Ingested:
    """Write the rows of a preview."""
    kind, source, contents = previewed.kind, previewed.source, previewed.contents
    if (count := sum(previewed.counts.values())) > MANY_ROWS:
        listen(Progress("write", 0, count, "rows", "in one transaction"))
    if isinstance(contents, Ranking | Rankings):
        rankings = contents.rankings if isinstance(contents, Rankings) else (contents,)
        return _runs_ingested(kind, source, add_read(store, rankings, settings))
    if isinstance(contents, ImportedRows):
        kinds = tuple(name for name in contents.counts if name != "candidates")
        counts = add_imported(store, contents, replace=settings.replace)
        added = counts.added._replace(unchanged=counts.unchanged)
        return Ingested(
            kind, source, kinds, added, 0, contents.problems, counts.annotations, counts.utilities,
            leaks=leaks(store) if contents.qrels else None,
            odd_scores=score_checks(store, {row.teacher for row in contents.utilities}),
        )  # fmt: skip
    added = store.add_collection(
        contents.queries, contents.passages, contents.qrels, split=settings.split, replace=settings.replace
    )
    kinds = ("queries", "passages", "qrels")
    return Ingested(kind, source, kinds, added, contents.duplicates, contents.problems, leaks=leaks(store))


def _large_ingested(store: Store, kind: str, path: Path, settings: IngestSettings) -> Ingested | None:
    """Write files that need more memory than a part of them at a time; None where they are small.

    They are read first, and written aside in parts: others are kept from the database only while these are added.
    None is returned, too, where something is irregular: read as a whole, it is said what that is.
    """
    read_parts = readable()[kind].read_parts if is_large(kind, path) else None
    if not read_parts:
        return None
    duplicates, problems = 0, list[Problem]()
    with TemporaryDirectory(prefix=DRAFTS, dir=store.path) as folder, (Path(folder) / "parts").open("w+b") as file:
        try:
            for part in read_parts(Source(kind, path, settings, store), CHARACTERS_AT_ONCE):
                file.write(json.dumps([part.queries, part.passages, part.qrels]).encode() + b"\n")
                duplicates += part.duplicates
                problems += part.problems
        except BadInput:
            return None
        must_be_whole(problems, settings)
        file.seek(0)
        with store.transaction(bulk=True):
            parts = [
                store.add_collection(*_read_back(line), split=settings.split, replace=settings.replace) for line in file
            ]
    added = Added.total(parts)._replace(no_query_known=any(part.no_query_known for part in parts))
    kinds = ("queries", "passages", "qrels")
    return Ingested(kind, str(path), kinds, added, duplicates, tuple(problems), leaks=leaks(store))


def is_large(kind: str, path: Path) -> bool:
    """Return whether files are read and written in parts."""
    form = readable().get(kind)
    return form is not None and form.read_parts is not None and _size(path) >= LARGE


def _size(path: Path) -> int:
    """Return the bytes of a file, or of a folder's files; 0 where there are none."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _read_back(line: bytes) -> tuple[list[Query], list[Passage], list[Qrel]]:
    queries, passages, qrels = json.loads(line)
    return (
        [Query(name, text, tuple(answers), split, tuple(tags)) for name, text, answers, split, tags in queries],
        [Passage(*row) for row in passages],
        [Qrel(*row) for row in qrels],
    )


def _runs_ingested(kind: str, source: str, runs: AddedRuns) -> Ingested:
    added, names, skipped, refused = runs
    return Ingested(kind, source, ("hits",), added, skipped=skipped, runs=names, refused=refused)
