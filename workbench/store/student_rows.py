"""What the tables hold of one student: its rankings and the candidates it proposed; renamed or removed with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from workbench.store.store import Store

# Runs of the student itself, and those in which a teacher re-ranks what it has found.
_RUNS = """
    select run, student, split from runs
    where student = $name or (student like 'rerank:%' and ends_with(student, '/' || $name))
"""


class StudentRows(NamedTuple):
    """Which runs are of a student or re-rank one of its, and how many candidates it has proposed."""

    runs: tuple[str, ...]
    candidates: int


def student_rows(store: Store, name: str) -> StudentRows:
    """Return what the tables hold of a student."""
    with store.read() as connection:
        runs = connection.execute(f"select run from ({_RUNS}) order by run", {"name": name}).fetchall()
        row = connection.execute("select count(*) from candidates where source = ?", [name]).fetchone()
    return StudentRows(tuple(run for (run,) in runs), int(row[0]) if row else 0)


def rename_rows(store: Store, name: str, new: str, move: Callable[[], None]) -> None:
    """Give a student's runs and candidates its new name; `move` is called within the transaction, before it is kept."""
    with store.write("runs", "hits", "read_runs", "candidates") as connection:
        connection.execute(
            f"""
            create or replace temp table renamed as
                select run, student, replace(run, student, new_student) as new_run, new_student from (
                    select *, left(student, length(student) - length($name)) || $new as new_student from ({_RUNS})
                )
            """,
            {"name": name, "new": new},
        )
        for table in ("hits", "read_runs"):
            connection.execute(f"update {table} set run = new_run from renamed where {table}.run = renamed.run")
        connection.execute(
            "update runs set run = new_run, student = new_student from renamed where runs.run = renamed.run"
        )
        connection.execute("update candidates set source = ? where source = ?", [new, name])
        connection.execute("drop table renamed")
        move()


def remove_rows(store: Store, name: str) -> None:
    """Remove a student's runs and those that re-rank one of them; the candidates it proposed stay."""
    with store.write("runs", "hits", "read_runs") as connection:
        for table in ("hits", "read_runs", "runs"):  # the runs last: they say which the others are
            connection.execute(f"delete from {table} where run in (select run from ({_RUNS}))", {"name": name})
