"""Verbs that a process may be killed in: each says that it has begun, and called again goes on to the same end."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.conftest import utility
from tests.steps.classes import PASSAGES, QUERIES, Slow, collection
from tests.steps.teach.quick import QUICK
from workbench.files import DRAFTS
from workbench.records import Passage, Query
from workbench.steps.annotate.annotate import annotate
from workbench.steps.compare.evaluate import evaluate
from workbench.steps.data.export import export
from workbench.steps.data.ingest import ingest
from workbench.steps.teach.candidates import candidates
from workbench.steps.teach.planning.plan import plan
from workbench.steps.teach.scoring.score import score
from workbench.steps.teach.train import train
from workbench.store import Store
from workbench.store.database import schema

BEGUN = "begun"
VERDICTS = 20
Verb = Callable[[Store, str], object]


def _ingest(store: Store, base: str) -> object:
    return ingest(store, "beir", store.path.with_name("files"))


def _candidates(store: Store, base: str) -> object:
    return candidates(store, base, depth=5)


def _score(store: Store, base: str) -> object:
    return score(store, Slow(0.003))


def _train(store: Store, base: str) -> object:
    return train(store, plan(store, base, "toy", QUICK, "student"))


def _evaluate(store: Store, base: str) -> object:
    return [evaluate(store, student, split) for student in ("bm25", base) for split in ("dev", "test")]


def _annotate(store: Store, base: str) -> object:
    pairs = [(QUERIES[number % len(QUERIES)], PASSAGES[number % len(PASSAGES)]) for number in range(VERDICTS)]
    return [
        annotate(store, query.query_id, passage.passage_id, "useful", "ada", idempotency_key=f"verdict {number}")
        for number, (query, passage) in enumerate(pairs)
    ]


def _export(store: Store, base: str) -> object:
    return [export(store, kind, store.exports / f"{kind}.jsonl", teacher="toy") for kind in ("utilities", "triplets")]


VERBS: dict[str, Verb] = {
    "ingest": _ingest, "candidates": _candidates, "score": _score, "train": _train, "evaluate": _evaluate,
    "annotate": _annotate, "export": _export,
}  # fmt: skip


def workspace(folder: Path) -> Store:
    """Return a workspace to work in, with files beside it to be ingested."""
    store = collection(folder / "ws")
    other = Store(folder / "other", create=True)
    passages = [Passage(f"n{number}", "", f"{number * 7919} {'a word ' * 40}") for number in range(1_500)]
    other.add_collection([Query(f"n{number}", f"{number}?", (), "train") for number in range(300)], passages)
    export(other, "beir", folder / "files")
    store.add_scored([utility("train0", f"p{number}-0", float(number)) for number in range(1, 8)])
    return store


def call(name: str, path: Path, base: str) -> None:
    """Call a verb, and say when it begins; what a child process does."""
    store = Store(path)
    print(BEGUN, flush=True)
    VERBS[name](store, base)


def contents(store: Store) -> dict[str, Any]:
    """Return all that a workspace holds but times: its rows, its students' weights, its exports, what lies about."""
    held: dict[str, Any] = {}
    with store.read() as connection:
        for (table,) in connection.execute("select table_name from duckdb_tables() order by all").fetchall():
            if table not in ("meta", "changes"):  # which count the transactions
                left_out = "exclude (created)" if table in ("runs", "annotations") else ""
                held[table] = connection.execute(f"select * {left_out} from {table} order by all").fetchall()
        held["schema"] = schema.version(connection)
    for file in sorted(store.path.rglob("*")):
        name = file.relative_to(store.path).as_posix()
        if file.is_file() and DRAFTS not in name and (name.endswith(".safetensors") or name.startswith("exports/")):
            held[name] = sha256(file.read_bytes()).hexdigest() if "manifest" not in name else ""
    held["left behind"] = sorted(name for name in _names(store.path) if DRAFTS in name or ".training-" in name)
    return held


def _names(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*")]
