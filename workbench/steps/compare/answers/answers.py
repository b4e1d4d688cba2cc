"""Answers to read: what a reader answered from a student's first passages, beside the reference answers."""

from typing import TYPE_CHECKING

from workbench.evaluation.answers import ANSWER_MEASURES, AnswerMeasure
from workbench.results import frame
from workbench.steps.compare.answer_measures import whole_name
from workbench.store import Store, views
from workbench.store.views import JudgedAnswer

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("query_id", "text", "answer", "references", *ANSWER_MEASURES, "reason", "passages", "truncated")


def judged_answers(store: Store, student: str, measure: str = "F1", split: str = "test") -> list[JudgedAnswer]:
    """Return the answers that a measure such as F1(READER)@5 is of, by query; none unless all queries are read."""
    run = views.find_run(store, student, split)
    read_runs = views.read_runs(store, split, run.run)
    of_answers = AnswerMeasure.parse(whole_name(AnswerMeasure.parse(measure) or AnswerMeasure("F1"), read_runs))
    assert of_answers is not None
    (read,) = (one for one in read_runs if (one.reader, one.depth) == (of_answers.reader, of_answers.depth))
    return views.judged_answers(store, run, read) or []


def answers(store: Store, student: str, measure: str = "F1", split: str = "test") -> "pd.DataFrame":
    """Return what a reader answered from a student's first passages as a frame.

    Parameters
    ----------
    store : Store
        The workspace.
    student : str
        A student whose ranking a reader has read.
    measure : str
        A measure of the answers, which says whose they are where there are several readers: "F1(READER)@5".
    split : str
        The split of the queries.

    Returns
    -------
    pandas.DataFrame
        By `query_id`; beside it `text`, `answer`, `references` (a tuple), `F1` and `EM` (missing where there is no
        answer), `reason` (why there is none, or ""), `passages` (the ids that were read, a tuple) and `truncated`
        (tokens of them that the reader did not get to read). Empty where the ranking has changed since it was read.

    Raises
    ------
    NothingToDo
        The student has no run on the split, or no reader has read it.
    BadSetting
        Several readers have, and `measure` names none of them.

    Examples
    --------
    >>> wb.answers(store, "bm25")
    Traceback (most recent call last):
    ...
    workbench.errors.NothingToDo: No reader has answers for F1 here. ...
    """
    texts = {query.query_id: query.text for query in views.queries(store, split)}
    return frame(
        COLUMNS,
        [
            (
                *(answer.query_id, texts[answer.query_id], answer.answer, references),
                *(None if answer.reason else of_answer(answer.answer, references)
                  for of_answer in ANSWER_MEASURES.values()),
                *(answer.reason, answer.passages, answer.truncated),
            )
            for answer, references in judged_answers(store, student, measure, split)
        ],
    )  # fmt: skip
