"""People's verdicts on pairs: the last of each annotator, what is settled between them, and what is not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from datetime import UTC
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from workbench.records import Annotation, Verdict
from workbench.store.views.checks import SOUND

if TYPE_CHECKING:
    from workbench.store.store import Store

Pair = tuple[str, str]
ADJUDICATION = "adjudication"

# An adjudicator's verdict on a pair stands beside, not in place of, the same person's as one annotator of many.
LAST = f"""
    qualify row_number() over (
        partition by query_id, passage_id, annotator, rule = '{ADJUDICATION}' order by sequence desc
    ) = 1
"""
# Rows that no verb could have written are left out: `workbench doctor` lists them.
SOUND_ROWS = f"(from annotations where {SOUND})"
JUDGED = "verdict not in ('draft', 'skipped', 'withdrawn')"
CASES_AT_ONCE = 2_000
COLUMNS = "query_id, passage_id, annotator, verdict, note, rule, created, grade, tags, flagged"


class Decision(NamedTuple):
    """The verdict that holds for a pair, and `how`: "adjudicated", "agreed" or by "majority" of so many annotators.

    `grade` is the lower median of those that were given with this verdict.
    """

    query_id: str
    passage_id: str
    verdict: Verdict
    grade: int | None
    how: str
    annotators: int


class Dispute(NamedTuple):
    """A pair on which annotators differ; `settled` by an adjudicator's verdict, once there is one."""

    query_id: str
    passage_id: str
    verdicts: tuple[Annotation, ...]
    settled: Annotation | None


def verdicts(store: Store, *, latest: bool = False) -> list[Annotation]:
    """Return all annotations, oldest first; `latest` keeps each annotator's last on a pair, if it is a verdict."""
    if not latest:
        return _annotations(store, f"select {COLUMNS} from {SOUND_ROWS}")
    return [row for row in last_words(store) if row.verdict not in ("draft", "skipped", "withdrawn")]


def last_words(store: Store, annotator: str | None = None, pair: Pair | None = None) -> list[Annotation]:
    """Return the last annotation, a verdict or a mark, of each annotator, or one, on each pair, or one; oldest first.

    Beside an annotator's own last annotation of a pair there may be the one that settles it.
    """
    query_id, passage_id = pair or (None, None)
    return _annotations(
        store,
        f"""
        select {COLUMNS} from {SOUND_ROWS} where ($annotator is null or annotator = $annotator)
               and ($query_id is null or (query_id = $query_id and passage_id = $passage_id)) {LAST}
        """,
        annotator=annotator,
        query_id=query_id,
        passage_id=passage_id,
    )


def received(store: Store, idempotency_keys: Collection[str]) -> set[str]:
    """Return those of the keys with which annotations, or their withdrawals, were kept already."""
    with store.read() as connection:
        rows = connection.execute(
            "select idempotency_key from received where list_contains($keys, idempotency_key)",
            {"keys": list(idempotency_keys)},
        ).fetchall()
    return {key for (key,) in rows}


def last_act(store: Store, annotator: str) -> list[tuple[Annotation, Annotation | None]]:
    """Return what `annotator` did last and has not taken back, each row with the one before it, if there is one.

    An act is a verdict, a mark, a note or a tag, or all that were added at one moment. Taking back is an act with a
    withdrawal in it, which is followed by what stood before.
    """
    rows = _annotations(store, f"select {COLUMNS} from {SOUND_ROWS} where annotator = $annotator", annotator=annotator)
    standing: list[list[tuple[Annotation, Annotation | None]]] = []
    last: dict[tuple[str, str, bool], Annotation] = {}
    for _, moment in groupby(rows, key=lambda row: row.created):
        act = [(row, last.get(_stream(row))) for row in moment]
        last |= {_stream(row): row for row, _ in act}
        if withdrawn := {_stream(row) for row, _ in act if row.verdict == "withdrawn"}:
            earlier = (act for act in reversed(standing) if {_stream(row) for row, _ in act} == withdrawn)
            if undone := next(earlier, None):
                standing.remove(undone)
        else:
            standing.append(act)
    return standing[-1] if standing else []


def _stream(row: Annotation) -> tuple[str, str, bool]:
    """Return which annotations of one annotator follow one another: those on a pair, an adjudicator's apart."""
    return row.query_id, row.passage_id, row.rule == ADJUDICATION


def decisions(store: Store) -> list[Decision]:
    """Return the pairs that are settled: by an adjudicator, else by more annotators for one verdict than for any other.

    Who is unsure does not vote, unless nobody is sure.
    """
    settled = []
    for (query_id, passage_id), rows in _by_pair(store).items():
        adjudicated = [row for row in rows if row.rule == ADJUDICATION]
        votes = adjudicated[-1:] or [row for row in rows if row.verdict != "unsure"] or rows
        (first, most), *others = Counter(row.verdict for row in votes).most_common()
        if others and others[0][1] == most:
            continue
        grades = sorted(row.grade for row in votes if row.verdict == first and row.grade is not None)
        grade = grades[(len(grades) - 1) // 2] if grades else None
        how = "adjudicated" if adjudicated else "majority" if others else "agreed"
        annotators = len(rows) - len(adjudicated)
        settled.append(Decision(query_id, passage_id, cast(Verdict, first), grade, how, annotators))
    return settled


def decided(store: Store) -> dict[Pair, Verdict]:
    """Return (query_id, passage_id) -> the verdict that holds, for the pairs that are settled."""
    return {(decision.query_id, decision.passage_id): decision.verdict for decision in decisions(store)}


def disputes(store: Store) -> list[Dispute]:
    """Return the pairs with different verdicts of annotators who are sure, settled or not, oldest first."""
    disputed = []
    for (query_id, passage_id), rows in _by_pair(store).items():
        sure = tuple(row for row in rows if row.verdict != "unsure" and row.rule != ADJUDICATION)
        adjudicated = [row for row in rows if row.rule == ADJUDICATION]
        if len({row.verdict for row in sure}) > 1:
            disputed.append(Dispute(query_id, passage_id, sure, adjudicated[-1] if adjudicated else None))
    return disputed


class AnnotatedCase(NamedTuple):
    """One annotation with its query and passage; `utilities` by teacher, `ranks` by student."""

    query_id: str
    query: str
    answers: list[str]
    split: str
    passage_id: str
    title: str
    text: str
    verdict: str
    annotator: str
    note: str
    rule: str
    created: str
    relevance: int | None
    utilities: dict[str, float]
    ranks: dict[str, int]
    grade: int | None
    tags: list[str]
    flagged: bool
    query_tags: list[str]


def annotated(store: Store, *, latest: bool = True) -> Iterator[AnnotatedCase]:
    """Yield the verdicts with query, passage, utilities and ranks; by default each annotator's last.

    They are in memory part by part, and the database is closed in between: what is added meanwhile is left out.
    """
    known = f"from {SOUND_ROWS} where $until is null or sequence <= $until"
    asked = f"select * from ({known} {LAST}) where {JUDGED}" if latest else known
    with store.read() as connection:
        parts: list[tuple[int, int]] = connection.execute(
            f"""
            select min(sequence), max(sequence) from (
                select sequence, (row_number() over (order by sequence) - 1) // $at_once as part from ({asked})
            ) group by part order by part
            """,
            {"until": None, "at_once": CASES_AT_ONCE},
        ).fetchall()
    for first, last in parts:
        yield from _cases(store, asked, {"first": first, "last": last, "until": parts[-1][1]})


def _cases(store: Store, asked: str, values: dict[str, int]) -> list[AnnotatedCase]:
    """Return those of the annotations that are `asked` for whose sequences lie between two, with all beside them."""
    with store.read() as connection:
        rows = connection.execute(
            f"""
            with asked as materialized (from ({asked}) where sequence between $first and $last)
            select a.query_id, queries.text, answers, queries.split, a.passage_id, title, passages.text,
                   verdict, annotator, note, rule, strftime(a.created, '%Y-%m-%dT%H:%M:%S.%fZ'), relevance,
                   coalesce(utilities, map {{}}), coalesce(ranks, map {{}}), grade, a.tags, flagged,
                   queries.tags
            from asked a join queries using (query_id) join passages using (passage_id)
            left join qrels using (query_id, passage_id)
            left join (
                select query_id, passage_id, map_from_entries(list((teacher, value) order by teacher)) as utilities
                from utilities semi join asked using (query_id, passage_id) group by all
            ) using (query_id, passage_id)
            left join (
                select query_id, passage_id, map_from_entries(list((student, rank) order by student)) as ranks
                from hits semi join asked using (query_id, passage_id) join runs using (run) group by all
            ) using (query_id, passage_id)
            order by sequence
            """,
            values,
        ).fetchall()
    return [AnnotatedCase(*row) for row in rows]


def _by_pair(store: Store) -> dict[Pair, list[Annotation]]:
    rows: defaultdict[Pair, list[Annotation]] = defaultdict(list)
    for row in verdicts(store, latest=True):
        rows[row.query_id, row.passage_id].append(row)
    return rows


def _annotations(store: Store, query: str, **values: Any) -> list[Annotation]:
    with store.read() as connection:
        rows = connection.execute(f"{query} order by sequence", values or None).fetchall()
    return [
        row._replace(created=row.created.replace(tzinfo=UTC), tags=tuple(row.tags))
        for row in (Annotation(*cells) for cells in rows)
    ]
