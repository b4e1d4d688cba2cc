"""Rerank: a teacher puts a run's first passages in order, and is asked for the utilities that are missing."""

from __future__ import annotations

from workbench.errors import NothingToDo
from workbench.records import Candidate, Group, Listener, silent
from workbench.steps.compare.evaluate import Evaluation, evaluate
from workbench.steps.compare.ranking.rerank import Reranking, check_depth
from workbench.steps.data.next_step import must_have_queries
from workbench.steps.teach.scoring.score import WINDOW, ScoreBuffer, query_windows
from workbench.store import Store, views
from workbench.teachers import Teacher, needs_answers


def rerank(
    store: Store, student: str, teacher: Teacher, depth: int = 20, split: str = "test", listen: Listener = silent
) -> Evaluation:
    """Let a teacher put a student's first passages in order, and evaluate that as a student of its own.

    The teacher is asked for the utilities that the workspace lacks, and each batch is kept: interrupted, the same call
    goes on. The new student is called `rerank:TEACHER@20/STUDENT`, and stands in `diff`, `leaderboard` and on the pages
    like any other. A teacher that reads the reference answers is a bound for students, and no way to search.

    Parameters
    ----------
    store : Store
        The workspace.
    student : str
        The first stage: a student that was evaluated on the split.
    teacher : Teacher
        Who gives the utilities, as `wb.teacher` makes one.
    depth : int
        How many of the first passages are put in another order.
    split : str
        The split whose queries are ranked for.
    listen : Listener
        Called with the progress.

    Returns
    -------
    Evaluation
        The usual measures of the new ranking.

    Raises
    ------
    NothingToDo
        The student has no run on the split, or the teacher can score none of its passages.
    BadSetting
        The run is not as deep as `depth`.

    Examples
    --------
    >>> evaluation = wb.rerank(store, "bm25", wb.teacher("lexical"), depth=4)
    >>> evaluation.student.startswith("rerank:lexical:")
    True
    >>> wb.diff(store, "bm25", evaluation.student).counts.judged
    8
    """
    must_have_queries(store, split)
    run = views.find_run(store, student, split)
    check_depth(depth, run)
    teacher.prepare(views.stream_passages(store))
    missing = views.unscored_first(store, run, teacher.name, depth, with_answers=needs_answers(teacher))
    if not missing and teacher.name not in {counts.teacher for counts in views.teachers(store)}:
        reason = "no query has a reference answer" if needs_answers(teacher) else "texts are lacking"
        raise NothingToDo(f"{teacher.name} can score none of these passages: {reason}.", "Choose another teacher.")
    store.add_candidates(
        Candidate(query_id, passage_id, run.student, rank)
        for query_id, ranks in missing.items()
        for passage_id, rank in ranks.items()
    )
    numbers = [(query_id, len(ranks)) for query_id, ranks in missing.items()]
    buffer = ScoreBuffer(store, teacher.unit, sum(number for _, number in numbers), listen)
    try:
        for window in query_windows(numbers, WINDOW):
            for batch in teacher.utilities(_groups(store, {query_id: missing[query_id] for query_id in window})):
                buffer.add(batch)
    finally:
        buffer.commit()
    return evaluate(store, str(Reranking(teacher.name, depth, run.student)), split)


def _groups(store: Store, ranks: dict[str, dict[str, int]]) -> list[Group]:
    """Return the queries with their passages, best first."""
    texts = {one.passage_id: one for one in views.passages(store, {id_ for ids in ranks.values() for id_ in ids})}
    return [
        Group(query, tuple(texts[passage_id] for passage_id in ranks[query.query_id]))
        for query in views.queries(store, ids=list(ranks))
    ]
