"""What people said of pairs: their last words, what is settled between them, and what is not."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from workbench.records import Annotation, Verdict

if TYPE_CHECKING:
    from workbench.store.store import Store

Pair = tuple[str, str]
ADJUDICATION = "adjudication"

# An adjudicator's word on a pair stands beside, not in place of, what the same person said as one annotator of many.
LAST = f"""
    qualify row_number() over (
        partition by query_id, passage_id, annotator, rule = '{ADJUDICATION}' order by created desc, rowid desc
    ) = 1
"""
JUDGED = "verdict not in ('draft', 'skipped', 'withdrawn')"
COLUMNS = "query_id, passage_id, annotator, verdict, note, rule, created, grade, tags, flagged"


class Decision(NamedTuple):
    """What came of a pair, and `how`: "adjudicated", "agreed" or by "majority" of so many annotators.

    `grade` is the lower median of those that were given with this verdict.
    """

    query_id: str
    passage_id: str
    verdict: Verdict
    grade: int | None
    how: str
    annotators: int


class Dispute(NamedTuple):
    """A pair on which annotators differ; `settled` once an adjudicator has spoken."""

    query_id: str
    passage_id: str
    said: tuple[Annotation, ...]
    settled: Annotation | None


def verdicts(store: Store, *, latest: bool = False) -> list[Annotation]:
    """Return all that was written down, oldest first; `latest` keeps each annotator's last word, if it is a verdict."""
    found = last_words(store) if latest else _annotations(store, f"select {COLUMNS} from annotations")
    return [said for said in found if said.verdict not in ("draft", "skipped", "withdrawn")] if latest else found


def last_words(store: Store, annotator: str | None = None) -> list[Annotation]:
    """Return the last word of each annotator, or of one, on each pair: a verdict or a mark, oldest first."""
    return _annotations(
        store,
        f"select {COLUMNS} from annotations where $annotator is null or annotator = $annotator {LAST}",
        annotator=annotator,
    )


def last_act(store: Store, annotator: str) -> list[tuple[Annotation, Annotation | None]]:
    """Return what `annotator` did last and has not taken back, each row with what stood before it, if anything did.

    An act is a verdict, a mark, a note or a tag, or all that was said at one moment. Taking back is an act with a
    withdrawal in it, which is followed by what stood before.
    """
    rows = _annotations(store, f"select {COLUMNS} from annotations where annotator = $annotator", annotator=annotator)
    standing: list[list[tuple[Annotation, Annotation | None]]] = []
    last: dict[tuple[str, str, bool], Annotation] = {}
    for _, moment in groupby(rows, key=lambda said: said.created):
        act = [(said, last.get(_stream(said))) for said in moment]
        last |= {_stream(said): said for said, _ in act}
        if withdrawn := {_stream(said) for said, _ in act if said.verdict == "withdrawn"}:
            taken = (each for each in reversed(standing) if {_stream(said) for said, _ in each} == withdrawn)
            if undone := next(taken, None):
                standing.remove(undone)
        else:
            standing.append(act)
    return standing[-1] if standing else []


def _stream(said: Annotation) -> tuple[str, str, bool]:
    """Return whose words follow one another: those on a pair, an adjudicator's apart."""
    return said.query_id, said.passage_id, said.rule == ADJUDICATION


def decisions(store: Store) -> list[Decision]:
    """Return the pairs that are settled: by an adjudicator, else by more annotators for one verdict than for any other.

    Who is unsure does not vote, unless nobody is sure.
    """
    found = []
    for (query_id, passage_id), said in _by_pair(store).items():
        settling = [each for each in said if each.rule == ADJUDICATION]
        voting = settling[-1:] or [each for each in said if each.verdict != "unsure"] or said
        (first, most), *others = Counter(each.verdict for each in voting).most_common()
        if others and others[0][1] == most:
            continue
        grades = sorted(each.grade for each in voting if each.verdict == first and each.grade is not None)
        grade = grades[(len(grades) - 1) // 2] if grades else None
        how = "adjudicated" if settling else "majority" if others else "agreed"
        found.append(Decision(query_id, passage_id, cast(Verdict, first), grade, how, len(said) - len(settling)))
    return found


def decided(store: Store) -> dict[Pair, Verdict]:
    """Return (query_id, passage_id) -> the verdict that holds, for the pairs that are settled."""
    return {(found.query_id, found.passage_id): found.verdict for found in decisions(store)}


def disputes(store: Store) -> list[Dispute]:
    """Return the pairs on which annotators who are sure say different things, settled or not, oldest first."""
    found = []
    for (query_id, passage_id), said in _by_pair(store).items():
        sure = tuple(each for each in said if each.verdict != "unsure" and each.rule != ADJUDICATION)
        settling = [each for each in said if each.rule == ADJUDICATION]
        if len({each.verdict for each in sure}) > 1:
            found.append(Dispute(query_id, passage_id, sure, settling[-1] if settling else None))
    return found


class AnnotatedCase(NamedTuple):
    """One annotation with all that stands behind it; `utilities` by teacher, `ranks` by student."""

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


def annotated(store: Store, *, latest: bool = True) -> list[AnnotatedCase]:
    """Return the verdicts with query, passage, utilities and ranks; by default each annotator's last word."""
    last = f"select * from (select *, rowid as turn from annotations {LAST}) where {JUDGED}"
    with store.read() as connection:
        rows = connection.execute(
            f"""
            select a.query_id, queries.text, answers, queries.split, a.passage_id, title, passages.text,
                   verdict, annotator, note, rule, strftime(a.created, '%Y-%m-%dT%H:%M:%S.%fZ'), relevance,
                   coalesce(utilities, map {{}}), coalesce(ranks, map {{}}), grade, a.tags, flagged,
                   queries.tags
            from (
                {last if latest else "select *, rowid as turn from annotations"}
            ) a join queries using (query_id) join passages using (passage_id)
            left join qrels using (query_id, passage_id)
            left join (
                select query_id, passage_id, map_from_entries(list((teacher, value) order by teacher)) as utilities
                from utilities group by all
            ) using (query_id, passage_id)
            left join (
                select query_id, passage_id, map_from_entries(list((student, rank) order by student)) as ranks
                from hits join runs using (run) group by all
            ) using (query_id, passage_id)
            order by a.created, turn
            """
        ).fetchall()
    return [AnnotatedCase(*row) for row in rows]


def _by_pair(store: Store) -> dict[Pair, list[Annotation]]:
    said: defaultdict[Pair, list[Annotation]] = defaultdict(list)
    for each in verdicts(store, latest=True):
        said[each.query_id, each.passage_id].append(each)
    return said


def _annotations(store: Store, asked: str, **values: Any) -> list[Annotation]:
    with store.read() as connection:
        rows = connection.execute(f"{asked} order by created, rowid", values or None).fetchall()
    return [
        said._replace(created=said.created.replace(tzinfo=UTC), tags=tuple(said.tags))
        for said in (Annotation(*row) for row in rows)
    ]
