"""The command that takes a workspace on from where it stands, so that every suggestion is one that works now."""

from __future__ import annotations

from workbench import students
from workbench.commands import command, line
from workbench.errors import NothingToDo
from workbench.records import SPLITS
from workbench.steps.data.splits.unseen import trained_before_split
from workbench.store import Store, views
from workbench.store.views import Counts, SplitCounts


def next_command(store: Store) -> list[str]:
    """Return the arguments of the next command on the walk from files to a diff; none if it is walked.

    Where there are no answers to score with, it leads to a training on the qrels.
    """
    counts = views.counts(store)
    judged = [counted.split for counted in counts.splits if counted.judged > counted.without_relevant]
    if not counts.queries or not counts.passages:
        return command("ingest", "beir", "FOLDER")
    if not judged:
        return command("ingest", "qrels", "FILE")
    if any(split not in judged for split in SPLITS):
        return _split(counts)
    early = trained_before_split(store)
    trained = [
        student
        for student in students.trained(store.students)
        if "teacher" in student.recipe and student.name not in early
    ]
    if not trained:
        return _train(store, next(counted for counted in counts.splits if counted.split == "train"))
    newest = trained[-1]
    names, ranked = (newest.base, newest.name), {run.student for run in views.runs(store, "test")}
    if unranked := [name for name in names if name not in ranked]:
        return command("evaluate", *unranked)
    return command("diff", *names)


def advice(store: Store) -> str:
    """Return the next command as a hint."""
    return f"Run `{line(next_command(store))}`."


def must_have_queries(store: Store, split: str) -> None:
    """Raise NothingToDo if no query is of a split, or none with a text, saying what gives it some."""
    counts = {counted.split: counted for counted in views.counts(store).splits}
    if split in counts and not counts[split].queries:
        raise NothingToDo(
            f"The {counts[split].by_id:,} queries of the {split} split are known by id only: no model can read them.",
            "Ingest a file with their texts.",
        )
    known = list(counts)
    if split not in known:
        others = f"There are queries of: {', '.join(filter(None, known)) or 'none'}."
        raise NothingToDo(f"No query is of the {split} split.", advice(store) if split in SPLITS else others)


def _split(counts: Counts) -> list[str]:
    """Return the command that gives queries to the missing splits, and leaves the others what it can.

    Where there are too few for a split each, it is the one that brings more.
    """
    relevant = {counted.split: counted.judged - counted.without_relevant for counted in counts.splits}
    judged = [split for split, queries in relevant.items() if queries]
    # Those of train can be shared out; without train, those of dev; what is left is tested on.
    source = next((split for split in ("train", "dev") if split in judged and len(judged) > 1), "")
    others = [split for split in judged if source and split != source]
    filled = [split for split in SPLITS if split not in others]
    if sum(queries for split, queries in relevant.items() if split not in others) >= len(filled):
        return command("split", by="passages", keep=others)
    if sum(relevant.values()) >= len(SPLITS):
        return command("split", by="passages")
    return command("ingest", "qrels", "FILE") if counts.queries >= len(SPLITS) else command("ingest", "beir", "FOLDER")


def _train(store: Store, train: SplitCounts) -> list[str]:
    """Return the next command towards a first student."""
    if scored := views.scored_queries(store, "train"):
        teacher = max(scored, key=lambda name: scored[name])
        return command("train", teacher=teacher if len(scored) > 1 else None)
    if not train.with_answers or any(counted.failures for counted in views.teachers(store)):
        return command("train", teacher="qrels")
    return command("score" if train.candidates else "candidates")
