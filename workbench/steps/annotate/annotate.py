"""Annotate: write down what a person says of a pair, for good; take it back by saying so."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import TypedDict, Unpack, get_args

from workbench.errors import BadSetting, NothingToDo, UnknownName
from workbench.records import GRADES, Annotation, Mark, Verdict
from workbench.store import Store, views

# What kind of failure a case is; a person may add words of their own.
TAGS = (
    "wrong entity",
    "wrong time",
    "off topic",
    "partial answer",
    "outdated",
    "ambiguous query",
    "bad qrel",
    "bad text",
)
ANONYMOUS = "anonymous"
_MOST_LETTERS = 60


class Details(TypedDict, total=False):
    """What may stand beside a verdict; `rule` names the hard-case rule that put the pair before the annotator."""

    note: str
    rule: str
    grade: int | None
    tags: Sequence[str]
    flagged: bool


def annotate(
    store: Store,
    query_id: str,
    passage_id: str,
    verdict: Verdict | Mark,
    annotator: str = "",
    **details: Unpack[Details],
) -> Annotation:
    """Append a verdict on how useful a passage is for a query; a later verdict follows it, never replaces it.

    With the rule "adjudication" it settles what other annotators disagree on. Raises UnknownName for ids that are not
    in the workspace and BadSetting for what is no verdict, grade or tag.
    """
    (made,) = annotate_all(store, [(query_id, passage_id)], verdict, annotator, **details)
    return made


def annotate_all(
    store: Store,
    pairs: Collection[tuple[str, str]],
    verdict: Verdict | Mark,
    annotator: str = "",
    **details: Unpack[Details],
) -> list[Annotation]:
    """Append the same verdict on many (query_id, passage_id) in one transaction; one `undo` takes all of it back."""
    if verdict not in (*get_args(Verdict), *get_args(Mark)):
        raise BadSetting(f"{verdict!r} is not a verdict.", f"Verdicts: {', '.join(get_args(Verdict))}.")
    grade = details.get("grade")
    if grade is not None and grade not in GRADES:
        raise BadSetting(f"{grade!r} is not a grade.", f"Grades: {', '.join(map(str, GRADES))}, or none.")
    tags = _tags(details.get("tags", ()))
    _must_be_there(store, pairs)
    now = datetime.now(UTC)
    made = [
        Annotation(
            query_id, passage_id, annotator.strip() or ANONYMOUS, verdict, details.get("note", "").strip(),
            details.get("rule", ""), now, grade, tags, details.get("flagged", False),
        )
        for query_id, passage_id in dict.fromkeys(pairs)
    ]  # fmt: skip
    if made:
        store.add_annotations(made)
    return made


def undo(store: Store, annotator: str = "") -> list[Annotation]:
    """Take back what an annotator did last: a verdict, a skip, a note, or what came together; return the withdrawals.

    Nothing is deleted: a withdrawal follows, then what stood before, if anything did; else note, tags and flag stay
    with the pair. Said again, it takes back what came before. Raises NothingToDo if nothing is left.
    """
    who = annotator.strip() or ANONYMOUS
    if not (act := views.last_act(store, who)):
        raise NothingToDo(f"There is no verdict of {who} left to take back.")
    now = datetime.now(UTC)
    withdrawn = [said._replace(verdict="withdrawn", grade=None, created=now) for said, _ in act]
    stood = [before._replace(created=now) for _, before in act if before and before.verdict != "withdrawn"]
    store.add_annotations([*withdrawn, *stood])
    return withdrawn


def _tags(given: Iterable[str]) -> tuple[str, ...]:
    tags = tuple(dict.fromkeys(" ".join(tag.split()) for tag in given if tag.strip()))
    if long := [tag for tag in tags if len(tag) > _MOST_LETTERS]:
        raise BadSetting(f"{long[0]!r} is too long for a tag.", f"At most {_MOST_LETTERS} letters; the rest is a note.")
    return tags


def _must_be_there(store: Store, pairs: Collection[tuple[str, str]]) -> None:
    queries, passages = {query_id for query_id, _ in pairs}, {passage_id for _, passage_id in pairs}
    for missing in queries - {query.query_id for query in views.queries(store, ids=queries)}:
        raise UnknownName("query", missing, [], "Check the id; it must be written as it was ingested.")
    for missing in passages - {passage.passage_id for passage in views.passages(store, passages)}:
        raise UnknownName("passage", missing, [], "Check the id; it must be written as it was ingested.")
