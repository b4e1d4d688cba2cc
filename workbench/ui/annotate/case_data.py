"""A hard case as the data that the browser draws a card from: texts as text, in parts where words are marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from workbench.html.cards import Badge, judgements, role_class
from workbench.html.marking import answer_found, marked_parts
from workbench.plots.look import RELEVANT, USEFUL, usefulness
from workbench.records import NO_TEXT, Annotation, Passage, Query, Unit, Verdict
from workbench.store import Store, views
from workbench.store.views import ADJUDICATION, HardCase
from workbench.ui.annotate.case_queue import Queue, pair_ids
from workbench.ui.shell import cache, components

Data = dict[str, Any]
MOST_CHARACTERS = 400_000  # of the texts of all cases that go to a browser at once; one case always goes


def case_data(store: Store, queue: Queue, cases: Sequence[HardCase], *, blind: bool) -> list[Data]:
    """Return the data of the first of `cases`, as many as are not too much text.

    For a `blind` annotator they hold nothing of teacher, student, rules and qrels, not even hidden.
    """
    unit = cache.teacher_unit(store, queue.search.pair.teacher)
    queries = {query.query_id: query for query in views.queries(store, ids={case.query_id for case in cases})}
    passages = {one.passage_id: one for one in views.passages(store, {case.passage_id for case in cases})}
    listed: list[Data] = []
    characters = 0
    for case in cases:
        query, passage = queries[case.query_id], passages[case.passage_id]
        characters += len(query.text) + len(passage.content)
        if listed and characters > MOST_CHARACTERS:
            break
        seen = {} if blind else _judged(case, unit) | {"student": queue.search.pair.run.student}
        badges = [*seen.pop("badges", ()), *_answer_badges(passage, query)]
        listed.append(
            _texts(query, passage)
            | {"rule": ADJUDICATION if queue.settles else case.rules[0], "badges": [_badge(one) for one in badges]}
            | {"annotation": _annotation(queue.verdicts.get(pair_ids(case)))}
            | seen
        )
    return listed


def _texts(query: Query, passage: Passage) -> Data:
    return {
        "query_id": query.query_id,
        "query": query.text,
        "answers": query.answers,
        "split": query.split,
        "passage_id": passage.passage_id,
        "title": marked_parts(passage.title, query.text, query.answers),
        "text": marked_parts(passage.text, query.text, query.answers),
        "no_text": NO_TEXT,
    }


def _judged(case: HardCase, unit: Unit) -> Data:
    """Return what teacher, student, rules and qrels say of a case."""
    role = usefulness(case.utility, unit)
    teachers_verdict: Verdict | None = None if role is None else "useful" if role is USEFUL else "useless"
    return {
        "reasons": [{"rule": reason.rule, "why": reason.why} for reason in case.reasons],
        "badges": [*judgements(case, unit), *_ranks(case)],
        "role": role_class(RELEVANT) if case.relevant else "",
        "teachers_verdict": teachers_verdict,
    }


def _answer_badges(passage: Passage, query: Query) -> Iterator[Badge]:
    if answer_found(passage.text, query.answers) is not None:
        yield Badge("answer in the text")


def _ranks(case: HardCase) -> Iterator[Badge]:
    if case.before is not None:
        yield Badge(f"rank {case.before:,} before")
    if case.after is not None:
        yield Badge(f"rank {case.after:,} after" if case.before is not None else f"rank {case.after:,}")


def _badge(badge: Badge) -> Data:
    return {"word": badge.word, "role": role_class(badge.role), "hint": badge.hint}


def _annotation(annotation: Annotation | None) -> Data | None:
    if annotation is None:
        return None
    names = ("verdict", "grade", "note", "tags", "flagged", "annotator")
    when = components.ago(annotation.created, datetime.now(UTC))
    return {name: getattr(annotation, name) for name in names} | {"when": when}
