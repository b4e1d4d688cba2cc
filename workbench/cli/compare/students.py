"""The command that lists the students against their bases: students."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json, Split
from workbench.cli.session import Session
from workbench.steps.compare.leaderboard import leaderboard
from workbench.steps.compare.recipes import LeaderboardRow


def students_command(
    context: typer.Context,
    split: Split = "test",
    measure: Annotated[
        str, typer.Option(help="Hold each recipe against its base on this: nDCG@10, R@1, …")
    ] = "nDCG@10",
    json: Json = False,
) -> None:
    """Show every student: how it was made, how it did, and whether it is better than its base."""
    session: Session = context.obj
    found = leaderboard(session.store(), split, measure)
    session.message = found.in_words
    if json:
        return output.as_json({"summary": found.in_words, **output.jsonable(found)})
    if found.students:
        output.table(
            ("student", "seed", "on dev", "seconds", *(f"{name} on {split}" for name in found.measures)),
            [(each.student, each.seed, _dev(each), each.seconds or None, *_measured(each, found.measures))
             for each in found.students],
        )  # fmt: skip
    for each in found.recipes:
        output.say(f"\n{each.label}\n  {each.in_words}")
        output.note(f"  on dev {each.dev or '–'}, seeds {', '.join(map(str, each.seeds))}, {each.seconds:.0f} s each")
    if stale := [each.student for each in found.students if each.stale]:
        output.note(f"Stale: {', '.join(stale)} searched other passages than there are now; evaluate again.")
    output.say(f"\n{found.in_words}")


def _dev(student: LeaderboardRow) -> str:
    if student.dev_before is None or student.dev_after is None:
        return "–"
    return f"{student.dev_measure} {student.dev_before:.3f} → {student.dev_after:.3f}"


def _measured(student: LeaderboardRow, names: Sequence[str]) -> list[str]:
    return [str(student.measures.get(name, "not evaluated")) for name in names]
