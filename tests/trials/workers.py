"""What works on a workspace in a soak: each worker in a process of its own, until it is killed.

What a worker was told is kept it writes to a log of its own, a line of JSON each: at the end it must be there, once.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from tests.steps.classes import PASSAGES, QUERIES
from tests.steps.teach.quick import QUICK
from workbench import students
from workbench.errors import Conflict, StoreBusy
from workbench.records import Group, Passage, Scored, Unit, Utility
from workbench.steps.annotate.annotate import annotate
from workbench.steps.compare.diff import diff
from workbench.steps.compare.evaluate import evaluate
from workbench.steps.data.export import export
from workbench.steps.data.ingest import ingest
from workbench.steps.teach.planning.plan import plan
from workbench.steps.teach.scoring.score import score
from workbench.steps.teach.train import train
from workbench.store import Store, views

Acknowledge = Callable[[Any], None]


class Log:
    """What was acknowledged, in a file that outlives the worker; a line that was cut off is not counted."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self) -> list[Any]:
        """Return what was acknowledged."""
        if not self.path.exists():
            return []
        values = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError):
                values.append(json.loads(line))
        return values

    def add(self, value: Any) -> None:
        """Add what was acknowledged; after a line that was cut off, on a line of its own."""
        with self.path.open("a+b") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read() != b"\n":
                    file.write(b"\n")
            file.write(json.dumps(value).encode() + b"\n")


class Rounds:
    """A teacher that is another one each round, and takes its time."""

    unit: Unit = "nats per token"

    def __init__(self, number: int) -> None:
        self.name = f"round:{number}"

    def prepare(self, collection: Iterable[Passage]) -> None:
        """Read nothing."""

    def utilities(self, groups: Sequence[Group]) -> Iterator[list[Scored]]:
        for group in groups:
            time.sleep(0.02)
            yield [
                Utility(group.query.query_id, passage.passage_id, self.name, len(passage.passage_id) / 7)
                for passage in group.passages
            ]


def annotating(store: Store, base: str, log: Log) -> None:
    """Annotate pair after pair; what was not acknowledged before it was killed is sent again with its key."""
    for number in count(len(log.lines())):
        query, passage = QUERIES[number % len(QUERIES)], PASSAGES[number % len(PASSAGES)]
        pair, key = (query.query_id, passage.passage_id), f"soak {number}"
        annotate(store, *pair, "useful", "ada", note=str(number), idempotency_key=key)
        log.add(number)
        time.sleep(0.1)


def scoring(store: Store, base: str, log: Log) -> None:
    """Score all candidates with teacher after teacher."""
    for number in count(len(log.lines())):
        score(store, Rounds(number))
        log.add(number)


def training(store: Store, base: str, log: Log) -> None:
    """Train student after student, and evaluate each."""
    for number in count(len(log.lines())):
        # A student's recipe names its collection: one that has grown meanwhile is another recipe, and another name.
        collection = views.collection_fingerprint(store)
        name = f"student {number} of {collection}"
        try:
            train(store, plan(store, base, "toy", QUICK, name))
        except Conflict:  # right only where passages came between the name and the plan, and it was begun before
            if views.collection_fingerprint(store) == collection:
                raise
            continue
        evaluate(store, name, "test")
        log.add(name)


def ingesting(store: Store, base: str, log: Log) -> None:
    """Ingest file after file."""
    for number in count(len(log.lines())):
        file = log.path.with_name(f"passages-{number}.jsonl")
        rows = ({"passage_id": f"more {number} {row}", "passage": f"the answer{row % 8} of x1"} for row in range(20))
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        ingest(store, "table", file)
        log.add(number)
        time.sleep(2.0)


def commanding(store: Store, base: str, log: Log) -> None:
    """Do what a script in the shell does: look, evaluate, compare, export."""
    for number in count(len(log.lines())):
        for split in ("dev", "test"):
            evaluate(store, "bm25", split)
            evaluate(store, base, split)
        diff(store, "bm25", base, split="test")
        export(store, "annotations", store.exports / "annotations.jsonl", history=True)
        log.add(number)


def reading(store: Store, base: str, log: Log) -> None:
    """Ask what a notebook asks, and log the seconds that each question took."""
    questions: tuple[Callable[[], object], ...] = (
        lambda: views.counts(store),
        lambda: views.utilities(store, "toy"),
        lambda: views.verdicts(store),
        lambda: views.qrels(store, "test"),
        lambda: students.trained(store.students),
    )
    while True:
        question = random.choice(questions)
        began = time.monotonic()
        try:
            question()
        except StoreBusy as error:
            log.add(["busy", str(error)])
            continue
        log.add(time.monotonic() - began)
        time.sleep(0.2)


WORKERS: dict[str, Callable[[Store, str, Log], None]] = {
    "annotating": annotating, "scoring": scoring, "training": training, "ingesting": ingesting,
    "commanding": commanding, "reading one": reading, "reading two": reading,
}  # fmt: skip


def work(name: str, workspace: Path, base: str, log: Path) -> None:
    """Work until somebody kills this process."""
    WORKERS[name](Store(workspace), base, Log(log))
