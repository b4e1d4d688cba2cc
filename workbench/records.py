"""The rows that every room of the workbench hands to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Literal, NamedTuple, get_args

SPLITS = ("train", "dev", "test")
Verdict = Literal["useful", "useless", "harmful", "unsure"]
# What else can stand in a verdict's place: noted but not judged yet, left for later, taken back.
Mark = Literal["draft", "skipped", "withdrawn"]
TAG_LETTERS = 60  # of one tag; what is longer is a note
GRADES = range(4)  # 0 does not help, 1 helps a little, 2 helps, 3 answers the question
# What a teacher's utilities are measured in; "unknown" of numbers from elsewhere that nobody has named a unit for.
Unit = Literal[
    "nats per token", "nats", "perplexity", "share of perplexity", "probability", "grade", "logit",
    "standard deviations", "share of range", "reciprocal rank", "attention", "unknown",
]  # fmt: skip
UNITS: tuple[Unit, ...] = get_args(Unit)
# How the nearest vectors are found: "flat" compares all and is exact; "auto" is flat while that is quick and they fit.
IndexKind = Literal["auto", "flat", "int8", "hnsw", "ivfpq"]
INDEX_KINDS: tuple[IndexKind, ...] = get_args(IndexKind)
# Why a pair has no utility: the teacher could not be asked, or broke down; it declined; or its answer does not parse.
Status = Literal["failed", "refused", "unreadable"]
STATUSES: tuple[Status, ...] = get_args(Status)


# What stands in a text's place where nothing but the id is known.
NO_TEXT = "no text in this workspace"


class Query(NamedTuple):
    """An information need; `answers` are all reference answers, none if unknown; `tags` say what kind it is of.

    One without text is known by its id only, from qrels or a run: it is measured and shown, never read by a model.
    """

    query_id: str
    text: str
    answers: tuple[str, ...] = ()
    split: str = ""
    tags: tuple[str, ...] = ()


class Passage(NamedTuple):
    """A unit of text that can be retrieved; one with neither title nor text is known by its id only.

    `title_join` stands between title and text where there are both; it is a setting of the workspace.
    """

    passage_id: str
    title: str
    text: str
    title_join: str = " "

    @property
    def content(self) -> str:
        """Return what students and teachers read: title and text, as one string."""
        return self.title_join.join(part for part in (self.title, self.text) if part)

    @property
    def has_text(self) -> bool:
        """Return whether more than the id is known."""
        return bool(self.title or self.text)


class Qrel(NamedTuple):
    """A human relevance judgement; 0 is judged and not relevant."""

    query_id: str
    passage_id: str
    relevance: int


class Candidate(NamedTuple):
    """A passage worth asking a teacher about; `source` says who proposed it, at which `rank` if it ranks passages."""

    query_id: str
    passage_id: str
    source: str
    rank: int | None = None


class AnswerLikelihood(NamedTuple):
    """Log-likelihood of one reference answer, in nats, summed over its `tokens` tokens."""

    answer: str
    tokens: int
    with_passage: float
    without_passage: float

    @property
    def log_likelihood_gain(self) -> float:
        """Return log p(answer | query, passage) - log p(answer | query), in nats."""
        return self.with_passage - self.without_passage

    @property
    def log_perplexity_reduction(self) -> float:
        """Return the same per token: how much the passage lowers log-perplexity, in nats per token."""
        return self.log_likelihood_gain / self.tokens


class Utility(NamedTuple):
    """A teacher's number for a candidate; higher helps more.

    `value` is in the teacher's unit; in nats and nats per token, above 0 is better than no passage. It is taken over
    the best of `answers`; `truncated` counts the passage tokens the teacher did not get to read.
    """

    query_id: str
    passage_id: str
    teacher: str
    value: float
    answers: tuple[AnswerLikelihood, ...] = ()
    truncated: int = 0


class Failure(NamedTuple):
    """A candidate that a teacher could not score, and why; failed is not zero.

    `answer` is what the teacher wrote, where it wrote something.
    """

    query_id: str
    passage_id: str
    teacher: str
    reason: str
    status: Status = "failed"
    answer: str = ""


Scored = Utility | Failure


class Answer(NamedTuple):
    """What a reader answered a query from `passages`, in the order that it read them; none: from the query alone.

    `reason` says why it could not answer, which is no empty answer. `truncated` counts the tokens of the passages that
    it did not get to read.
    """

    reader: str
    query_id: str
    passages: tuple[str, ...]
    answer: str
    reason: str = ""
    truncated: int = 0


class Group(NamedTuple):
    """One query with the passages to be scored or answered from: what a teacher or a reader reads."""

    query: Query
    passages: tuple[Passage, ...]


class Example(NamedTuple):
    """One query with its scored candidates, best first: what a student learns from.

    `passages` and `utilities` have the same length; `known` are the ids of every passage that is
    a candidate or has a qrel for this query, so that none of them is ever used as a negative.
    """

    query: Query
    passages: tuple[Passage, ...]
    utilities: tuple[float, ...]
    known: frozenset[str] = frozenset()


class Run(NamedTuple):
    """One student's rankings of a split; `collection` fingerprints the passages it searched.

    An `imported` run's rankings came from a file: what made them is not here. Where an approximate index was
    searched, of `index_kind`, `recall` is what share of the ten nearest it finds, measured on some of the queries.
    """

    run: str
    student: str
    split: str
    depth: int
    collection: str
    created: datetime
    imported: bool = False
    index_kind: str = "flat"
    recall: float | None = None

    @property
    def label(self) -> str:
        """Return its student's name, and that it is imported if it is."""
        return labelled(self.student, self.imported)

    @property
    def approximation(self) -> str:
        """Return by which index it was searched, and how much of the exact result that finds; "" if exactly."""
        return approximation(self.index_kind, self.recall)

    def is_stale(self, collection: str) -> bool:
        """Return whether it searched other passages than these, or not for all queries; unknown of an imported run."""
        return not self.imported and self.collection != collection


def approximation(index_kind: str, recall: float | None, reason: str = "") -> str:
    """Return by which index was searched, how much of the exact result that finds, and why; "" if exactly."""
    if recall is None:
        return ""
    return f"searched by an index {index_kind} with a recall@10 of {recall:.3f}{f' ({reason})' if reason else ''}"


def approximate_in_words(runs: Iterable[Run]) -> tuple[str, ...]:
    """Return of each approximate run in a sentence how it was searched for."""
    return tuple(f"{run.student} on {run.split} was {run.approximation}." for run in runs if run.approximation)


def stale_in_words(student: str, split: str = "") -> str:
    """Return that a student's rankings are stale, of which split where several are shown, and what to do."""
    of = f" on {split}" if split else ""
    return f"{student} was evaluated{of} before passages or split changed; evaluate it again."


def labelled(student: str, imported: bool) -> str:
    """Return the name of a run's student, and that the run is imported if it is."""
    return f"{student} (imported run)" if imported else student


class Hit(NamedTuple):
    """One passage of a ranking; `rank` counts from 1.

    A run also keeps its candidates that it ranked below its depth, with their true rank.
    """

    run: str
    query_id: str
    passage_id: str
    rank: int
    similarity: float


class ReadRun(NamedTuple):
    """That a reader answers a run's queries from their first `depth` passages.

    `queries` is for how many, the first ones by id; None for all that have a reference answer.
    """

    run: str
    reader: str
    depth: int
    queries: int | None = None


class Annotation(NamedTuple):
    """A person's verdict on how useful a passage is for a query; never edited, only followed by another.

    `verdict` may be a mark instead, and then nothing is judged. `rule` names what put the pair before the annotator;
    "adjudication" makes this the word that settles what others disagreed on. `grade` is one of GRADES, `tags` say
    what kind of failure it is, `flagged` asks for another look.
    """

    query_id: str
    passage_id: str
    annotator: str
    verdict: Verdict | Mark
    note: str
    rule: str
    created: datetime
    grade: int | None = None
    tags: tuple[str, ...] = ()
    flagged: bool = False


class Progress(NamedTuple):
    """How far a step has come; `total` is 0 while nobody knows.

    `seconds_left` is given where the step knows better than its pace does.
    """

    step: str
    done: int
    total: int
    unit: str
    note: str = ""
    seconds_left: float | None = None


Listener = Callable[[Progress], None]


def silent(_: Progress) -> None:
    """Listen to progress and say nothing."""


def useful_above(unit: Unit) -> float:
    """Return the utility above which a passage is called useful: better than none, or more likely useful than not.

    A grade may be an expected one, between 0, which does not help, and 1. In the units of ensembles it is the middle of
    the query's candidates; in an unknown unit it is a convention: 0.
    """
    return 0.5 if unit in ("probability", "grade", "share of range") else 0.0
