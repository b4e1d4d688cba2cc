"""What a workspace can say on a student's model card: its loss, its collection, and how it measured on test."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence

from workbench import losses, students
from workbench.evaluation.comparison import RULE, SECONDARY
from workbench.evaluation.measures import MEASURES, PRIMARY
from workbench.evaluation.significance import interval
from workbench.records import approximate_in_words
from workbench.results import counted
from workbench.steps.compare import run_measures
from workbench.steps.compare.answer_measures import answer_measures, is_answer_measure
from workbench.steps.compare.diff import Values, compared_on
from workbench.steps.compare.run_measures import Judgements
from workbench.steps.data.splits.leaks import known_leaks
from workbench.store import Store, views
from workbench.students import Student, model_card

SHOWN = ("R@1", "R@5", "AP", "nDCG@10")
SOURCED = re.compile(r"arXiv|reconstruct|paper|et al|\b(19|20)\d\d\b", re.IGNORECASE)


def renew(store: Store, name: str) -> None:
    """Write the card of a student of this workspace once more; of others, such as BM25, nothing."""
    place = store.students / students.slug(name)
    if (place / students.RECIPE).is_file() and (student := students.read(place)).name == name:
        model_card.write(student, about(store, student))


def about(store: Store, student: Student) -> model_card.About:
    """Return what the workspace knows of a student beyond its recipe."""
    return model_card.About(
        loss=_loss(str(student.recipe.get("loss", ""))),
        collection=_collection(store, student),
        measures=_measures(store, student),
    )


def _loss(name: str) -> str:
    """Return what a loss is and where it comes from, in its own docstring's sentences."""
    if name not in losses.LOSSES:
        return ""
    docstring = " ".join((inspect.getdoc(losses.LOSSES[name].formula) or "").split())
    first, *rest = re.split(r"(?<=\.)\s+(?=[A-Z])", docstring)
    sentences = [first.removeprefix("Return "), *(sentence for sentence in rest if SOURCED.search(sentence))]
    return f"It is {' '.join(sentences)}"


def _collection(store: Store, student: Student) -> list[str]:
    counts, now = views.counts(store), views.collection_fingerprint(store)
    then = student.recipe.get("collection", now)
    lines = [f"{counted(counts.passages, 'passage')}; fingerprint of the collection {model_card.inline(then)}."]
    if then != now:
        lines[0] += f" It has changed since the training: now {model_card.inline(now)}."
    lines += [
        f"Split {model_card.inline(split.split or 'none')}: {split.queries:,} queries, {split.judged:,} of them judged "
        f"({split.without_relevant:,} without a relevant passage), {split.with_answers:,} with reference answers."
        for split in counts.splits
    ]
    return [
        *lines,
        "Split rule: it learns on train, its best step is chosen on dev, and no training ever looks at test.",
        known_leaks(store).in_words,
        "Where the collection comes from, and its licence, the workspace does not know.",
    ]


def _measures(store: Store, student: Student) -> model_card.Table | None:
    """Return a student's measures on test beside those of its base and of BM25, as far as there are runs."""
    judgements = Judgements.of(store, "test")
    # What is shown belongs to the measures that a diff compares, so that a pair has the same verdicts there and here.
    of_answers = answer_measures(judgements.read_runs)
    names = judgements.names((PRIMARY, *MEASURES, *of_answers))
    shown = judgements.names((*SHOWN, *of_answers))
    values, remarks = _values(store, (student.name, student.base, students.BM25), names, judgements)
    own = values.pop(student.name, {})
    if not any(own.values()):
        return None
    unseen = judgements.unseen_part(store, "test", names[0], ())
    rows = _rows(own, values, shown)
    if unseen and unseen.unseen:
        others = {name: unseen.only(theirs) for name, theirs in values.items()}
        rows += _rows(unseen.only(own), others, shown, ", unseen")
    header = ["on test", "this student"]
    for name in values:
        column = model_card.inline(model_card.shown_name(name))
        header += [column, f"this - {column}"]
    note = f"Means over {judgements.counts_for(names[0]).in_words} of test, with 95 % bootstrap intervals."
    note += "".join(f" {sentence}" for sentence in _of_answers(store, judgements, own))
    if unseen:
        note += f" {unseen.followed_by('in the rows called unseen')}."
    if values:
        note += f" {RULE} {SECONDARY}"
    absent = [name for name in (student.base, students.BM25) if name and name not in values]
    note += "".join(f" {model_card.inline(model_card.shown_name(name))} has not been evaluated." for name in absent)
    return model_card.Table(header, rows, note + remarks)


def _of_answers(store: Store, judgements: Judgements, own: Values) -> list[str]:
    """Return over how many queries the means of answers are, and how many of these train has seen."""
    sentences = []
    for name in (name for name in own if name.startswith("F1") and own[name]):
        answers = judgements.counts_for(name, own[name]).in_words
        sentences.append(f"{_row_name(name)} and its exact match are over {answers}, what the reader answered.")
        if part := judgements.unseen_part(store, "test", name, own[name]):
            sentences.append(f"{part.in_words}.")
    return sentences


def _row_name(measure: str) -> str:
    """Return a measure for a table; the name of a reader is not ours."""
    return model_card.inline(measure) if is_answer_measure(measure) else measure


def _rows(own: Values, values: Mapping[str, Values], shown: Sequence[str], part: str = "") -> list[list[str]]:
    """Return a row for each measure shown: the student's mean, and each other's with the difference."""
    names = tuple(own)
    comparisons = {
        (name, one.measure): one for name, theirs in values.items() for one in compared_on(names, theirs, own)
    }
    rows = []
    for measure in (name for name in shown if own[name]):
        row = [f"{_row_name(measure)}{part}", str(interval(list(own[measure].values())))]
        for name, theirs in values.items():
            if not (comparison := comparisons.get((name, measure))):
                row += ["not read", ""]
                continue
            row += [
                str(interval(list(theirs[measure].values()))),
                f"{comparison.difference.signed}, {comparison.verdict}{comparison.few}",
            ]
        rows.append(row)
    return rows


def _values(
    store: Store, evaluated: Sequence[str], names: Sequence[str], judgements: Judgements
) -> tuple[dict[str, Values], str]:
    """Return student -> measure -> query_id -> value of those with a run on test; what is stale or approximate."""
    by_student = {run.student: run for run in reversed(views.runs(store, "test"))}
    runs = [by_student[name] for name in dict.fromkeys(evaluated) if name in by_student]
    fingerprint = views.collection_fingerprint(store)
    measured = run_measures.measure_all(store, runs, names, judgements)
    values: dict[str, Values] = {run.student: one.values for run, one in zip(runs, measured, strict=True)}
    stale = " The collection has changed since." if any(run.is_stale(fingerprint) for run in runs) else ""
    return values, stale + "".join(f" {model_card.inline(sentence)}" for sentence in approximate_in_words(runs))
