"""The command that lists the students against their bases: students."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json, LeftOut, Relevance, Split
from workbench.cli.session import Session
from workbench.records import stale_in_words
from workbench.steps.compare.leaderboard import leaderboard
from workbench.steps.compare.recipes import LeaderboardRow


def students_command(
    context: typer.Context,
    split: Split = "test",
    measure: Annotated[
        str, typer.Option(help="The measure on which each recipe is compared with its base: nDCG@10, R@1, …; F1.")
    ] = "nDCG@10",
    relevance: Relevance = None,
    without_relevant: LeftOut = None,
    json: Json = False,
) -> None:
    """List every student with its recipe and measures, and say of each recipe whether it is better than its base."""
    session: Session = context.obj
    store = session.store(relevance=relevance, without_relevant=without_relevant)
    with output.progress(session.reporter):
        board = leaderboard(store, split, measure)
    session.message = board.in_words
    if json:
        return output.as_json({"summary": board.in_words, **output.jsonable(board)})
    if board.students:
        output.table(
            ("student", "seed", "on dev", "seconds", *(f"{name} on {split}" for name in board.measures)),
            [(row.label, row.seed, _dev(row), row.seconds or None, *_measured(row, board.measures))
             for row in board.students],
        )  # fmt: skip
        output.note(f"means over {board.counts.in_words} of {split}, with 95 % bootstrap intervals")
    if board.unseen:
        output.line(f"\n{board.unseen.followed_by('as follows')}")
    if any(row.unseen_measures for row in board.students):
        output.table(
            ("student", *(f"{name}, unseen" for name in board.measures)),
            [(row.label, *(str(row.unseen_measures.get(name, "not evaluated")) for name in board.measures))
             for row in board.students],
        )  # fmt: skip
    for recipe in board.recipes:
        output.line(f"\n{recipe.label}\n  {recipe.in_words}")
        seeds = ", ".join(map(str, recipe.seeds))
        output.note(f"  on dev {recipe.dev or '–'}, seeds {seeds}, {recipe.seconds:.0f} s each")
    for row in board.students:
        if row.stale:
            output.note(f"Stale: {stale_in_words(row.student)}")
    output.line(f"\n{board.in_words}")


def _dev(student: LeaderboardRow) -> str:
    if student.dev_before is None or student.dev_after is None:
        return "–"
    return f"{student.dev_measure} {student.dev_before:.3f} → {student.dev_after:.3f}"


def _measured(student: LeaderboardRow, names: Sequence[str]) -> list[str]:
    return [str(student.measures.get(name, "not evaluated")) for name in names]
