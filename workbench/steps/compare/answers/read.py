"""Read: a reader answers a split's queries from the first passages of a run; the answers are kept."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from workbench.errors import NothingToDo
from workbench.evaluation.answers import ANSWER_MEASURES, AnswerMeasure
from workbench.evaluation.significance import Interval, interval
from workbench.progress import listener
from workbench.readers import Reader
from workbench.records import Answer, Progress, ReadRun
from workbench.results import Result, counted
from workbench.steps.compare import model_card
from workbench.steps.compare.answer_measures import answer_values
from workbench.steps.compare.ranking.rerank import check_depth
from workbench.steps.data.next_step import must_have_queries
from workbench.store import Store, settings_of, views
from workbench.store.workspace_settings import TITLE_JOINS

WINDOW = 256  # queries whose passages are in memory at once
COMMIT_ROWS = 256  # answers of a commit at least, unless
COMMIT_SECONDS = 10.0  # this much time has passed since the last one
SHOWN_REASONS = 3


@dataclass(frozen=True)
class ReadResult(Result):
    """What one call to `read` asked, and the `measures` of the run's answers as means with their 95 % intervals.

    Of the run's `queries` with a reference answer, `asked` were asked now; the others were answered before, for this
    run or for another with the same first passages. `failures` of these got no answer, and are in no mean; `reasons`
    count why. `truncated` prompts did not hold all of the passages. There are no measures while any query is
    `remaining`.
    """

    columns: ClassVar = {
        "student": "whose first passages were read",
        "reader": "full name of the reader",
        "split": "the split of the queries",
        "depth": "how many passages were read",
        "measure": "the measure of the answers",
        "mean": "mean over the queries that were answered",
        "low": "lower end of its 95 % interval",
        "high": "upper end",
        "queries": "number of these queries",
    }
    student: str
    reader: str
    split: str
    depth: int
    queries: int
    asked: int
    failures: int
    remaining: int
    truncated: int
    seconds: float
    interrupted: bool = False
    measures: dict[str, Interval] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def in_words(self) -> str:
        """Return the outcome in a sentence or two."""
        words = (
            f"{self.reader} has read the first {self.depth} of {self.student} on {self.split}: {self.asked:,} of "
            f"{counted(self.queries, 'query')} asked in {self.seconds:.1f} s"
        )
        words += "".join(
            f", {number:,} {what}"
            for number, what in ((self.failures, "failed"), (self.truncated, "with truncated passages"))
            if number
        )
        if self.interrupted:
            return f"{words}; stopped with {self.remaining:,} to go, which the same command takes up."
        means = ", ".join(f"{AnswerMeasure.parse(name).kind} {mean}" for name, mean in self.measures.items())  # type: ignore[union-attr]
        words += f"; {means}." if means else "."
        return words + "".join(
            f" Failed: {reason} ({number:,})." for reason, number in list(self.reasons.items())[:SHOWN_REASONS]
        )

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return a row for each measure."""
        return [
            (self.student, self.reader, self.split, self.depth, name, mean.mean, mean.low, mean.high, mean.n)
            for name, mean in self.measures.items()
        ]


def read(
    store: Store, student: str, reader: Reader, depth: int = 5, split: str = "test", limit: int | None = None
) -> ReadResult:
    """Let a reader answer the queries of a split from a student's first passages, and measure the answers.

    Only queries with a reference answer are asked, and only what no answer is known of: of runs with the same first
    passages one alone is asked about. The measures are then there for `evaluate`, `diff`, `leaderboard` and the pages,
    as `F1(READER)@5` and `EM(READER)@5`. Ctrl-C ends it after the batch at hand; called again, it goes on.

    Parameters
    ----------
    store : Store
        The workspace.
    student : str
        A student that was evaluated on the split.
    reader : Reader
        Who answers, as `wb.reader` makes one.
    depth : int
        How many of the first passages are read.
    split : str
        The split whose queries are answered.
    limit : int, optional
        Only the first so many queries with a reference answer, by id.

    Returns
    -------
    ReadResult
        How many queries were asked, and token F1 and exact match with their intervals.

    Raises
    ------
    NothingToDo
        The student has no run on the split, or no query of it has a reference answer.
    BadSetting
        The run is not as deep as `depth`.
    ModelUnavailable
        The model cannot be loaded.

    Examples
    --------
    >>> reader = wb.reader("completion", model="HuggingFaceTB/SmolLM2-135M")
    >>> wb.read(store, "nobody", reader)
    Traceback (most recent call last):
    ...
    workbench.errors.NothingToDo: There is no run of 'nobody' on the test split; ...
    """
    must_have_queries(store, split)
    run = views.find_run(store, student, split)
    check_depth(depth, run)
    started = time.monotonic()
    reader.prepare(TITLE_JOINS[settings_of(store).title_join])
    of_run = ReadRun(run.run, reader.name, depth, limit)
    unread, queries = views.unread(store, run, of_run)
    if not queries:
        raise NothingToDo(
            f"No query of the {split} split has a reference answer, so that no answer can be measured.",
            "Ingest queries with their answers.",
        )
    store.add_read_run(of_run)
    buffer = _Buffer(store, len(unread))
    interrupted = False
    try:
        for start in range(0, len(unread), WINDOW):
            readings = views.readings(store, run, depth, unread[start : start + WINDOW])
            buffer.add([_unreadable(reader, one) for one in readings if not one.is_readable])
            for batch in reader.answers([one.group for one in readings if one.is_readable]):
                buffer.add(batch)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        buffer.commit()
    model_card.renew(store, run.student)
    names = [str(AnswerMeasure(kind, reader.name, depth)) for kind in ANSWER_MEASURES]
    values = answer_values(store, run, names, [of_run])
    return ReadResult(
        student=run.student,
        reader=reader.name,
        split=split,
        depth=depth,
        queries=queries,
        asked=buffer.done,
        failures=sum(buffer.reasons.values()),
        remaining=buffer.total - buffer.done,
        truncated=buffer.truncated,
        seconds=time.monotonic() - started,
        interrupted=interrupted,
        measures={name: interval(list(of_query.values())) for name, of_query in values.items() if of_query},
        reasons=dict(buffer.reasons.most_common()),
    )


def _unreadable(reader: Reader, reading: views.Reading) -> Answer:
    """Return the failure of a query one of whose passages has no text."""
    with_text = {passage.passage_id for passage in reading.group.passages}
    lacking = next(passage_id for passage_id in reading.passage_ids if passage_id not in with_text)
    reason = f"a passage is known by its id only, such as {lacking}"
    return Answer(reader.name, reading.group.query.query_id, reading.passage_ids, "", reason)


@dataclass
class _Buffer:
    """Gathers answers and commits them some hundreds at a time."""

    store: Store
    total: int
    done: int = 0
    truncated: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    rows: list[Answer] = field(default_factory=list)
    committed: float = field(default_factory=time.monotonic)

    def add(self, batch: Sequence[Answer]) -> None:
        self.rows.extend(batch)
        if len(self.rows) >= COMMIT_ROWS or time.monotonic() - self.committed > COMMIT_SECONDS:
            self.commit()

    def commit(self) -> None:
        if self.rows:
            self.store.add_answers(self.rows)
        self.done += len(self.rows)
        self.truncated += sum(row.truncated > 0 for row in self.rows)
        self.reasons.update(row.reason for row in self.rows if row.reason)
        self.rows, self.committed = [], time.monotonic()
        if self.total:
            listener()(Progress("read", self.done, self.total, "queries"))
