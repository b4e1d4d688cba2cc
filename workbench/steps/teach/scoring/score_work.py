"""Scoring as work on shards: groups of pairs to a teacher's utilities, in this process or on another machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.engines import Engine, ShardFolder, Work, shard_folder
from workbench.errors import BadSetting, Conflict
from workbench.records import AnswerLikelihood, Failure, Group, Passage, Query, Scored, Utility
from workbench.store import Store, views
from workbench.teachers import RemoteTeacher, Teacher

if TYPE_CHECKING:
    import pyarrow as pa

PASSAGES_AT_ONCE = 8192  # of the collection, read
VERB = "score"


@dataclass(frozen=True)
class ScoreWork(Work[list[Group], list[Scored]]):
    """What a teacher does; where it is unpickled it makes another of the same settings, for which `shared` is."""

    teacher: Teacher | None
    kind: type[Any]
    settings: Any
    recipe: str
    url: str
    collection: str

    @classmethod
    def of(cls, teacher: Teacher, folder: ShardFolder | None = None, collection: str = "") -> ScoreWork:
        """Return the work of a prepared teacher; with a folder, one that other machines can do."""
        settings = getattr(teacher, "settings", None)
        return cls(teacher, type(teacher), settings, teacher.name, folder.url if folder else "", collection)

    @property
    def name(self) -> str:
        """Return the teacher's name."""
        return self.recipe

    def start(self) -> Callable[[list[Group]], Iterator[list[Scored]]]:
        """Return the teacher's `utilities`; raises Conflict if the teacher is another here."""
        if self.teacher is not None:
            return self.teacher.utilities
        teacher = self.kind(self.settings)
        teacher.prepare(_passages(ShardFolder(self.url), self.collection))
        if teacher.name != self.recipe:
            raise Conflict(
                f"The teacher is {self.recipe!r}, and on a worker's machine it is {teacher.name!r}.",
                "Give all machines the same model, device, dtype and version of the workbench.",
            )
        utilities: Callable[[list[Group]], Iterator[list[Scored]]] = teacher.utilities
        return utilities

    def __getstate__(self) -> dict[str, Any]:
        """Leave the teacher behind, and with it a model."""
        return {**vars(self), "teacher": None}

    def shard_to_table(self, shard: list[Group]) -> pa.Table:
        """Return a row a query."""
        import pyarrow as pa

        rows = [
            {**query._asdict(), "passages": [passage._asdict() for passage in passages]} for query, passages in shard
        ]
        return pa.Table.from_pylist(rows, _groups_schema())

    def shard_from_table(self, table: pa.Table) -> list[Group]:
        """Return the queries with their passages."""
        return [
            Group(
                Query(row["query_id"], row["text"], tuple(row["answers"]), row["split"], tuple(row["tags"])),
                tuple(Passage(**passage) for passage in row["passages"]),
            )
            for row in table.to_pylist()
        ]

    def batch_to_table(self, batch: list[Scored]) -> pa.Table:
        """Return a row a pair, without a value where the teacher could not score it."""
        import pyarrow as pa

        return pa.Table.from_pylist([_scored_to_row(scored) for scored in batch], _scored_schema())

    def batch_from_table(self, table: pa.Table) -> list[Scored]:
        """Return the utilities and failures."""
        return [_scored_from_row(row) for row in table.to_pylist()]


def score_work(store: Store, teacher: Teacher, engine: Engine) -> tuple[ScoreWork, ShardFolder | None]:
    """Return a prepared teacher's work, and the folder of its shards if these go through files.

    Raises BadSetting for a teacher that cannot work elsewhere: one that asks a server, or has no settings.
    """
    folder = shard_folder(engine, str(store.path / "shards"), VERB, teacher.name)
    if folder is None:
        return ScoreWork.of(teacher), None
    if isinstance(teacher, RemoteTeacher) and teacher.spent is not None:
        raise BadSetting(
            f"{teacher.name} asks a server, whose answers are kept one by one and whose budget is one.",
            "Leave out --engine and --shards: more machines behind the server make it faster.",
        )
    if not hasattr(teacher, "settings"):
        raise BadSetting(f"{teacher.name} has no settings that another process could make it from.")
    collection = views.collection_fingerprint(store)
    if not folder.holds("shared", collection):
        folder.write("shared", collection, _passage_tables(views.passage_parts(store)))
    return ScoreWork.of(teacher, folder, collection), folder


def _passage_tables(parts: Iterable[Sequence[Passage]]) -> Iterator[pa.Table]:
    import pyarrow as pa

    schema = pa.schema(_passage_fields())
    yield pa.Table.from_pylist([], schema)
    for part in parts:
        yield pa.Table.from_pylist([passage._asdict() for passage in part], schema)


def _passages(folder: ShardFolder, collection: str) -> Iterator[Passage]:
    """Yield the collection; nothing is read of it before the first passage is asked for."""
    for batch in folder.stream("shared", collection, PASSAGES_AT_ONCE):
        yield from (Passage(**row) for row in batch.to_pylist())


def _passage_fields() -> Sequence[tuple[str, pa.DataType]]:
    import pyarrow as pa

    return [(name, pa.string()) for name in Passage._fields]


def _groups_schema() -> pa.Schema:
    import pyarrow as pa

    strings, passages = pa.list_(pa.string()), pa.list_(pa.struct(_passage_fields()))
    types = {"query_id": pa.string(), "text": pa.string(), "answers": strings, "split": pa.string(), "tags": strings}
    return pa.schema({**types, "passages": passages})


def _scored_schema() -> pa.Schema:
    import pyarrow as pa

    likelihoods = {"answer": pa.string(), "tokens": pa.int64(), "with_passage": pa.float64()}
    likelihoods |= {"without_passage": pa.float64()}
    names = {name: pa.string() for name in ("query_id", "passage_id", "teacher", "reason", "status", "answer")}
    numbers = {"value": pa.float64(), "truncated": pa.int64()}
    return pa.schema({**names, **numbers, "answers": pa.list_(pa.struct(list(likelihoods.items())))})


def _scored_to_row(scored: Scored) -> dict[str, Any]:
    row = scored._asdict()
    if isinstance(scored, Utility):
        row["answers"] = [likelihood._asdict() for likelihood in scored.answers]
    return row


def _scored_from_row(row: dict[str, Any]) -> Scored:
    pair = row["query_id"], row["passage_id"], row["teacher"]
    if row["value"] is None:
        return Failure(*pair, row["reason"], row["status"], row["answer"])
    likelihoods = tuple(AnswerLikelihood(**likelihood) for likelihood in row["answers"])
    return Utility(*pair, row["value"], likelihoods, row["truncated"])
