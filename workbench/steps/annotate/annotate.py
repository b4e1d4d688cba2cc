"""Annotate: record a person's verdicts on pairs, append-only; an undo is a row too."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import TypedDict, Unpack, get_args

from workbench.errors import BadSetting, NothingToDo, UnknownName
from workbench.records import GRADES, TAG_LETTERS, Annotation, Mark, Verdict
from workbench.store import Store, views

# Types of failure; annotators may add their own.
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


class Details(TypedDict, total=False):
    """What may stand beside a verdict; `rule` names the hard-case rule that put the pair before the annotator.

    What is sent again with the same `idempotency_key` is appended once.
    """

    note: str
    rule: str
    grade: int | None
    tags: Sequence[str]
    flagged: bool
    idempotency_key: str


def annotate(
    store: Store,
    query_id: str,
    passage_id: str,
    verdict: Verdict | Mark,
    annotator: str = "",
    **details: Unpack[Details],
) -> Annotation:
    """Append a verdict on how useful a passage is for a query; a later verdict follows it, never replaces it.

    Parameters
    ----------
    store : Store
        The workspace.
    query_id, passage_id : str
        The pair.
    verdict : str
        "useful", "useless", "harmful" or "unsure"; or the mark "skipped" or "draft", which judges nothing.
    annotator : str
        Who judges; "anonymous" if empty.
    **details
        `note`, `grade` (0 to 3), `tags`, `flagged`; `rule`, the hard-case rule that selected the pair. With the rule
        "adjudication" the verdict settles what other annotators disagree on. `idempotency_key`, for a program that may
        send a verdict twice: the second time nothing is appended.

    Returns
    -------
    Annotation
        The row that was appended.

    Raises
    ------
    UnknownName
        If the workspace has no such query or passage.
    BadSetting
        If the verdict, the grade or a tag cannot be one.

    Examples
    --------
    >>> annotation = wb.annotate(store, "test0", "p0-0", "useful", "ada", grade=3, note="names the topic")
    >>> annotation.verdict, annotation.grade
    ('useful', 3)
    """
    (annotation,) = annotate_all(store, [(query_id, passage_id)], verdict, annotator, **details)
    return annotation


def annotate_all(
    store: Store,
    pairs: Collection[tuple[str, str]],
    verdict: Verdict | Mark,
    annotator: str = "",
    **details: Unpack[Details],
) -> list[Annotation]:
    """Append the same verdict on many pairs in one transaction; one `undo` takes all of it back.

    Parameters
    ----------
    store : Store
        The workspace.
    pairs : Collection of (str, str)
        The pairs, as (query_id, passage_id).
    verdict, annotator
        As in `annotate`, the same for all pairs.
    **details
        As in `annotate`.

    Returns
    -------
    list of Annotation
        The rows that were appended, in the order of the pairs.

    Raises
    ------
    UnknownName
        If the workspace lacks one of the queries or passages; then nothing is written.
    BadSetting
        If the verdict, the grade or a tag cannot be one.

    Examples
    --------
    >>> rows = wb.annotate_all(store, [("test0", "p1-0"), ("test0", "p2-0")], "useless", "ada")
    >>> len(rows), len(wb.undo(store, "ada"))
    (2, 2)
    """
    if verdict not in (*get_args(Verdict), *get_args(Mark)):
        raise BadSetting(f"{verdict!r} is not a verdict.", f"Verdicts: {', '.join(get_args(Verdict))}.")
    grade = details.get("grade")
    if grade is not None and grade not in GRADES:
        raise BadSetting(f"{grade!r} is not a grade.", f"Grades: {', '.join(map(str, GRADES))}, or none.")
    tags = _tags(details.get("tags", ()))
    _must_be_there(store, pairs)
    now = datetime.now(UTC)
    rows = [
        Annotation(
            query_id, passage_id, annotator.strip() or ANONYMOUS, verdict, details.get("note", "").strip(),
            details.get("rule", ""), now, grade, tags, details.get("flagged", False),
        )
        for query_id, passage_id in dict.fromkeys(pairs)
    ]  # fmt: skip
    if rows:
        store.add_annotations(rows, details.get("idempotency_key", ""))
    return rows


def undo(store: Store, annotator: str = "", *, idempotency_key: str = "") -> list[Annotation]:
    """Take back what an annotator did last: a verdict, a skip, a note, or what was annotated together.

    Nothing is deleted: a withdrawal follows and, after it, the annotation that was valid before, if there was one; else
    note, tags and flag stay with the pair. Called again, it takes back the act before that.

    Parameters
    ----------
    store : Store
        The workspace.
    annotator : str
        Whose last act is taken back; "anonymous" if empty.
    idempotency_key : str
        For a program that may send an undo twice: the second time nothing more is taken back.

    Returns
    -------
    list of Annotation
        The withdrawals, one a pair.

    Raises
    ------
    NothingToDo
        If this annotator has nothing left to take back.

    Examples
    --------
    >>> annotation = wb.annotate(store, "test0", "p0-0", "useful", "ada")
    >>> [row.verdict for row in wb.undo(store, "ada")]
    ['withdrawn']
    """
    who = annotator.strip() or ANONYMOUS
    with store.transaction():  # else two processes could both take back the same act
        if not (act := views.last_act(store, who)):
            raise NothingToDo(f"There is no verdict of {who} left to take back.")
        now = datetime.now(UTC)
        withdrawals = [last._replace(verdict="withdrawn", grade=None, created=now) for last, _ in act]
        restored = [before._replace(created=now) for _, before in act if before and before.verdict != "withdrawn"]
        store.add_annotations([*withdrawals, *restored], idempotency_key)
    return withdrawals


def _tags(texts: Iterable[str]) -> tuple[str, ...]:
    tags = tuple(dict.fromkeys(" ".join(tag.split()) for tag in texts if tag.strip()))
    if long := [tag for tag in tags if len(tag) > TAG_LETTERS]:
        raise BadSetting(f"{long[0]!r} is too long for a tag.", f"At most {TAG_LETTERS} letters; the rest is a note.")
    return tags


_ID = "Check the id; it must be written as it was ingested. What is known by id only has no text to judge."


def _must_be_there(store: Store, pairs: Collection[tuple[str, str]]) -> None:
    queries, passages = {query_id for query_id, _ in pairs}, {passage_id for _, passage_id in pairs}
    for missing in queries - {query.query_id for query in views.queries(store, ids=queries)}:
        raise UnknownName("query", missing, [], _ID)
    for missing in passages - {passage.passage_id for passage in views.passages(store, passages)}:
        raise UnknownName("passage", missing, [], _ID)
