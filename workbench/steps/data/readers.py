"""What each format reads: a person's files, and what comes back from an export or another tool."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any, get_args

from workbench.errors import BadInput, BadSetting, NothingToDo, UnknownName
from workbench.formats import Collection, Problem, Ranking, Rankings, read_beir, read_qrels, read_table
from workbench.formats.beir import beir_batches
from workbench.formats.distillation import read_training
from workbench.formats.huggingface import dataset_files
from workbench.formats.labelling import read_labelled
from workbench.formats.parsing.gathering import Unreadable
from workbench.formats.parsing.lookup import ImportedRows, Lookup
from workbench.formats.quepid import read_quepid
from workbench.formats.rows import read_rows, read_unit
from workbench.formats.run_folder import RunNames, read_runs
from workbench.formats.table import table_batches
from workbench.records import SPLITS, UNITS, Annotation, Candidate, Unit, Utility
from workbench.store import TITLE_JOINS, Store, views
from workbench.store.views.scored.teacher_names import IMPORTED

Contents = Collection | Ranking | Rankings | ImportedRows


@dataclass(frozen=True)
class IngestSettings:
    """How files are read: a table's own column names, and the relevance of its pairs if no column says it.

    `replace` lets new content replace old under a known id; without it such a thing stops the ingest.
    `teacher` names whose scores a training file holds, `unit` what they are measured in, `annotator` who judged where
    a file does not say. `split` is that of queries new to the workspace for which the files name none. `run_names` says
    whether runs are named by the "tag" in them or by their "file".
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    relevance: int | None = None
    skip_bad_lines: bool = False
    replace: bool = False
    teacher: str = ""
    unit: Unit = "unknown"
    annotator: str = ""
    split: str = ""
    run_names: RunNames = "tag"

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise UnknownName("unit", self.unit, list(UNITS))
        if self.split not in ("", *SPLITS):
            raise UnknownName("split", self.split, list(SPLITS))
        if self.run_names not in get_args(RunNames):
            raise UnknownName("way to name runs", self.run_names, list(get_args(RunNames)))


def must_be_whole(problems: Sequence[Problem], settings: IngestSettings) -> None:
    """Raise BadInput if there is anything that cannot be read, unless bad lines are to be skipped."""
    if problems and not settings.skip_bad_lines:
        first, more = problems[0], len(problems) - 1
        raise BadInput(
            first.what + (f" (and {more:,} more problems)" if more else ""),
            first.file,
            first.line,
            "Nothing was written. Mend the file, or skip bad lines (--skip-bad-lines) and get a list of them.",
        )


@dataclass(frozen=True)
class Source:
    """Files to be read in one format, and the workspace that they are about, if there is one yet.

    `moment` is the time of annotations that have none of their own.
    """

    kind: str
    path: Path
    settings: IngestSettings
    store: Store | None
    moment: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def lookup(self) -> Lookup:
        """Return the queries and passages that rows can be about; raises NothingToDo if there are none."""
        if not self.store:
            raise NothingToDo(
                f"A file of {self.kind} is about a collection, and there is none yet.",
                "Ingest queries and passages first.",
            )
        store = self.store
        ids = views.passage_ids(store).to_pylist()
        return Lookup(views.queries(store), ids, partial(views.stream_passages, store), TITLE_JOINS.values())

    @cached_property
    def teacher(self) -> str:
        """Return the name under which scores are imported; raises BadSetting if none is given."""
        name = self.settings.teacher.removeprefix(IMPORTED)
        if not name:
            raise BadSetting(
                "These scores belong to a teacher that the file does not name.",
                f"Say whose: --teacher {IMPORTED}NAME.",
            )
        return f"{IMPORTED}{name}"


def beir(source: Source) -> Collection:
    """Read a BEIR folder."""
    return read_beir(source.path)


def parts_of_beir(source: Source, characters: int) -> Iterator[Collection]:
    """Read a BEIR folder in parts of about so many characters; raises BadInput for anything irregular."""
    return beir_batches(source.path, characters)


def table(source: Source) -> Collection:
    """Read a table of queries, passages or both."""
    return read_table(source.path, source.settings.columns, source.settings.relevance)


def parts_of_table(source: Source, characters: int) -> Iterator[Collection]:
    """Read a table in parts of about so many characters; raises BadInput for anything irregular."""
    return table_batches(source.path, source.settings.columns, source.settings.relevance, characters)


def qrels(source: Source) -> Collection:
    """Read TREC qrels."""
    return read_qrels(source.path)


def runs(source: Source) -> Ranking | Rankings:
    """Read a TREC run, or a folder of them."""
    return read_runs(source.path, source.settings.run_names)


def verdicts(source: Source) -> ImportedRows:
    """Read annotations."""
    defaults: dict[str, Any] = {"note": "", "rule": "", "created": source.moment}
    if source.settings.annotator:
        defaults["annotator"] = source.settings.annotator
    rows, problems = read_rows(Annotation, source.path, source.lookup, defaults)
    return ImportedRows(annotations=rows, problems=problems, moment=source.moment)


def utilities(source: Source) -> ImportedRows:
    """Read utilities, of the teacher that is named beside the file, else of those named in it."""
    named = {"teacher": source.teacher} if source.settings.teacher else {}
    units: dict[str, Unit] = {}

    def note_unit(row: Utility, cells: Mapping[str, Any]) -> None:
        teacher, unit = named.get("teacher", row.teacher), read_unit(cells.get("unit"))
        before = units.get(teacher, source.settings.unit)
        if "unknown" not in (unit, before) and unit != before:
            raise Unreadable(f"the utilities of {teacher!r} are in {unit!r} here and in {before!r} before")
        units[teacher] = unit if before == "unknown" else before

    rows, problems = read_rows(Utility, source.path, source.lookup, named, note_unit)
    if named:
        rows = tuple(row._replace(teacher=source.teacher) for row in rows)
    return ImportedRows(utilities=rows, candidates=_candidates(rows), units=units, problems=problems)


def training_rows(source: Source) -> ImportedRows:
    """Read pairs, lists or FlagEmbedding rows, from a file or a data set's folder, as utilities."""
    paths = dataset_files(source.path) if source.path.is_dir() else [source.path]
    rows, problems = read_training(paths, source.lookup, source.teacher)
    units = {source.teacher: source.settings.unit}
    return ImportedRows(utilities=rows, candidates=_candidates(rows), units=units, problems=problems)


def quepid(source: Source) -> ImportedRows:
    """Read ratings as qrels; as annotations if an annotator is named, a rating above 0 being "useful"."""
    rated, problems = read_quepid(source.path, source.lookup)
    if not source.settings.annotator:
        return ImportedRows(qrels=rated, problems=problems)
    rows = tuple(
        Annotation(
            query_id=qrel.query_id,
            passage_id=qrel.passage_id,
            annotator=source.settings.annotator,
            verdict="useful" if qrel.relevance > 0 else "useless",
            note="",
            rule="",
            created=source.moment,
        )
        for qrel in rated
    )
    return ImportedRows(annotations=rows, problems=problems, moment=source.moment)


def labelled(tool: str) -> Callable[[Source], ImportedRows]:
    """Return what reads the judgements that were made in "argilla" or "labelstudio"."""

    def read(source: Source) -> ImportedRows:
        rows, problems = read_labelled(tool, source.path, source.lookup, source.settings.annotator, source.moment)
        return ImportedRows(annotations=rows, problems=problems, moment=source.moment)

    return read


def _candidates(utilities: tuple[Utility, ...]) -> tuple[Candidate, ...]:
    """Return the pairs of imported teachers as candidates, for a run holds the true ranks of those."""
    return tuple(
        Candidate(row.query_id, row.passage_id, row.teacher) for row in utilities if row.teacher.startswith(IMPORTED)
    )
