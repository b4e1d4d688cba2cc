"""The workspace's rows as pandas frames, filtered: for notebooks, plots and whatever else tabulates."""

# Without `from __future__ import annotations`, which would define the name of the last function here.
from collections.abc import Collection
from typing import TYPE_CHECKING

from workbench.errors import BadSetting, UnknownName
from workbench.records import SPLITS
from workbench.store import Store, views
from workbench.store.views import frames
from workbench.store.views.scored.unscored import failures_frame

if TYPE_CHECKING:
    import pandas as pd


def queries(store: Store, split: str | None = None, tag: str | None = None) -> "pd.DataFrame":
    """Return the queries as a frame.

    Parameters
    ----------
    store : Store
        The workspace.
    split : str, optional
        Only those of "train", "dev" or "test".
    tag : str, optional
        Only those with this tag.

    Returns
    -------
    pandas.DataFrame
        By `query_id`; beside it `text` (empty where no more than the id is known), `answers` (a tuple), `split` ("" if
        unknown) and `tags` (a tuple).

    Raises
    ------
    UnknownName
        There is no such split.

    Examples
    --------
    >>> wb.queries(store, split="dev")["text"].head(2).tolist()
    ['question0 of', 'question1 of']
    """
    return frames.queries_frame(store, known_split(split), tag)


def passages(store: Store, ids: Collection[str] | None = None) -> "pd.DataFrame":
    """Return the passages as a frame.

    Parameters
    ----------
    store : Store
        The workspace.
    ids : collection of str, optional
        Only these.

    Returns
    -------
    pandas.DataFrame
        By `passage_id`; beside it `title` and `text`, both empty where no more than the id is known.

    Raises
    ------
    UnknownName
        One of `ids` is not in the workspace.

    Examples
    --------
    >>> wb.passages(store, ["p0-1"])["text"].item()
    'the of the answer0 x1 of the'
    """
    frame = frames.passages_frame(store, ids)
    if ids is not None and (missing := sorted(set(ids) - set(frame["passage_id"]))):
        raise UnknownName("passage", missing[0], [], "Check the id; it must be written as it was ingested.")
    return frame


def utilities(
    store: Store, teacher: str | None = None, split: str | None = None, query_id: str | None = None
) -> "pd.DataFrame":
    """Return what teachers find useful as a frame, one row a candidate and teacher.

    Parameters
    ----------
    store : Store
        The workspace.
    teacher : str, optional
        Only this one's, by its name or the beginning of it.
    split : str, optional
        Only those of the queries of "train", "dev" or "test".
    query_id : str, optional
        Only those of this query.

    Returns
    -------
    pandas.DataFrame
        Query by query, the highest value of each teacher first: `query_id`, `passage_id`, `split`, `teacher`, `unit`
        (of `value`), `value` (the utility), `truncated` (tokens of the passage that the teacher did not read) and
        `relevance` (missing where nobody has judged the pair).

    Raises
    ------
    UnknownName
        There is no such teacher, split or query.
    NothingToDo
        A teacher is asked for, and none has scored anything yet.

    Examples
    --------
    >>> wb.utilities(store, "toy", query_id="train0")[["passage_id", "value", "unit"]].head(1).values.tolist()
    [['p0-0', 2.0, 'nats per token']]
    """
    if query_id is not None:
        views.query(store, query_id)
    name = views.find_teacher(store, teacher) if teacher else None
    return frames.utilities_frame(store, name, known_split(split), query_id)


def hits(
    store: Store, student: str, split: str = "test", depth: int | None = None, query_id: str | None = None
) -> "pd.DataFrame":
    """Return a student's rankings of a split as a frame, one row a hit.

    Parameters
    ----------
    store : Store
        The workspace.
    student : str
        A student's name, or that of a run.
    split : str
        Of which queries: "train", "dev" or "test".
    depth : int, optional
        Down to which rank; the run's own depth unless given. Below that, a run knows the ranks of candidates alone.
    query_id : str, optional
        Only those of this query.

    Returns
    -------
    pandas.DataFrame
        Query by query, by rank: `student`, `split`, `query_id`, `passage_id`, `rank` (from 1), `similarity` and
        `relevance` (missing where nobody has judged the pair).

    Raises
    ------
    NothingToDo
        The student has not been evaluated on this split.
    UnknownName
        There is no such split or query.
    BadSetting
        The depth is less than 1.

    Examples
    --------
    >>> wb.hits(store, "student", split="test", depth=1).columns.tolist()
    ['student', 'split', 'query_id', 'passage_id', 'rank', 'similarity', 'relevance']
    >>> len(wb.hits(store, "student", split="test", depth=1))
    8
    """
    if depth is not None and depth < 1:
        raise BadSetting(f"The depth is {depth}.", "Ranks count from 1.")
    if query_id is not None:
        views.query(store, query_id)
    run = views.find_run(store, student, str(known_split(split)))
    return frames.hits_frame(store, run, run.depth if depth is None else depth, query_id)


def failures(store: Store, teacher: str | None = None, split: str | None = None) -> "pd.DataFrame":
    """Return the pairs that teachers could not score as a frame, one row a pair and teacher.

    Parameters
    ----------
    store : Store
        The workspace.
    teacher : str, optional
        Only this one's, by its name or the beginning of it.
    split : str, optional
        Only those of the queries of "train", "dev" or "test".

    Returns
    -------
    pandas.DataFrame
        Query by query: `query_id`, `passage_id`, `split`, `teacher`, `status` ("failed", "refused" or "unreadable"),
        `reason`, and `answer`, what the teacher wrote, where it wrote something.

    Raises
    ------
    UnknownName
        There is no such teacher or split.
    NothingToDo
        A teacher is asked for, and none has scored anything yet.

    Examples
    --------
    >>> wb.failures(store, "toy").columns.tolist()
    ['query_id', 'passage_id', 'split', 'teacher', 'status', 'reason', 'answer']
    """
    name = views.find_teacher(store, teacher) if teacher else None
    return failures_frame(store, name, known_split(split))


def annotations(
    store: Store, annotator: str | None = None, split: str | None = None, *, latest: bool = True
) -> "pd.DataFrame":
    """Return people's verdicts as a frame, one row an annotation.

    Parameters
    ----------
    store : Store
        The workspace.
    annotator : str, optional
        Only this one's.
    split : str, optional
        Only those of the queries of "train", "dev" or "test".
    latest : bool
        Only each annotator's last verdict on a pair; else everything, also drafts, skips and withdrawals.

    Returns
    -------
    pandas.DataFrame
        The oldest first: `query_id`, `passage_id`, `annotator`, `verdict`, `note`, `rule` (of hard cases, that put the
        pair before the annotator), `created` (UTC), `grade` (0 to 3, or missing), `tags` (a tuple), `flagged` (for
        another look) and `split`.

    Raises
    ------
    UnknownName
        There is no such split.

    Examples
    --------
    >>> _ = wb.annotate(store, "test0", "p0-1", "useful", annotator="ada", grade=2)
    >>> wb.annotations(store, annotator="ada")[["verdict", "grade"]].values.tolist()
    [['useful', 2]]
    """
    return frames.annotations_frame(store, annotator, known_split(split), latest=latest)


def known_split(split: str | None) -> str | None:
    """Return a split if there is one of that name; None stands for all."""
    if split is not None and split not in SPLITS:
        raise UnknownName("split", split, list(SPLITS))
    return split
