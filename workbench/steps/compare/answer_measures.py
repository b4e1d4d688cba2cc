"""Measures of answers beside measures of rankings: which ones a split has, and their values per query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from workbench.commands import command, line
from workbench.errors import BadSetting, NothingToDo
from workbench.evaluation.answers import ANSWER_MEASURES, AnswerMeasure
from workbench.records import ReadRun, Run
from workbench.store import Store, views


def is_answer_measure(name: str) -> bool:
    """Return whether a name spells a measure of answers."""
    return AnswerMeasure.parse(name) is not None


def answer_measures(read_runs: Iterable[ReadRun]) -> tuple[str, ...]:
    """Return the measures of the answers that there are, F1 first."""
    readers = dict.fromkeys((read.reader, read.depth) for read in read_runs)
    return tuple(str(AnswerMeasure(kind, *reader)) for reader in readers for kind in ANSWER_MEASURES)


def whole_name(measure: AnswerMeasure, read_runs: Sequence[ReadRun]) -> str:
    """Return a measure with its reader's full name and depth, where the beginning of the name or neither was given.

    Raises NothingToDo where no such reader has answered, BadSetting where several have.
    """
    depth = (measure.depth,) if measure.depth else {read.depth for read in read_runs}
    readers = dict.fromkeys((read.reader, read.depth) for read in read_runs if read.depth in depth)
    exact = [one for one in readers if one[0] == measure.reader]
    matching = exact or [one for one in readers if one[0].startswith(measure.reader)]
    spelled = [str(AnswerMeasure(measure.kind, *one)) for one in matching]
    if len(spelled) == 1:
        return spelled[0]
    if spelled:
        raise BadSetting(f"{measure} may be one of {len(spelled):,} measures.", f"Say which: {', '.join(spelled)}.")
    known = ", ".join(name for name in answer_measures(read_runs) if name.startswith(measure.kind))
    raise NothingToDo(
        f"No reader has answers for {measure} here" + (f"; there are: {known}." if known else "."),
        "Ask one with `workbench read STUDENT --model MODEL`.",
    )


def answer_values(
    store: Store, run: Run, names: Sequence[str], read_runs: Iterable[ReadRun]
) -> dict[str, dict[str, float]]:
    """Return measure -> query_id -> value, over the queries with a reference answer that the reader has answered.

    None where the run's first passages are not those that were read, or not yet for all of the queries.
    """
    values: dict[str, dict[str, float]] = {name: {} for name in names}
    by_reader = {(read.reader, read.depth): read for read in read_runs if read.run == run.run}
    measures = {name: measure for name in names if (measure := AnswerMeasure.parse(name))}
    for reader in dict.fromkeys((measure.reader, measure.depth) for measure in measures.values()):
        read = by_reader.get((reader[0], reader[1] or 0))
        answered = [one for one in (read and views.judged_answers(store, run, read)) or [] if not one.answer.reason]
        for name, measure in measures.items():
            if (measure.reader, measure.depth) == reader:
                of_answer = ANSWER_MEASURES[measure.kind]
                values[name] = {one.answer.query_id: of_answer(one.answer.answer, one.references) for one in answered}
    return values


class HasValues(Protocol):
    """What a run measures."""

    @property
    def values(self) -> Mapping[str, Mapping[str, float]]:
        """Return measure -> query_id -> value."""
        ...


def must_be_read(measure: str, runs: Sequence[Run], measured: Sequence[HasValues]) -> None:
    """Raise NothingToDo, naming the first one, if a run has no value on a measure of answers."""
    if not is_answer_measure(measure):
        return
    for run, one in zip(runs, measured, strict=True):
        if not one.values[measure]:
            raise NothingToDo(
                f"{run.student} has no answers to measure {measure} on {run.split}.",
                f"Let the reader read its ranking: `{line(command('read', run.student, split=run.split))}` "
                "with the reader's settings.",
            )
