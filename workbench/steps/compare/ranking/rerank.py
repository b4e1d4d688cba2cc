"""Re-ranking by a teacher: what it is called, and its ranking from the utilities that the workspace holds."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

from workbench.commands import command, line
from workbench.errors import BadSetting, NothingToDo
from workbench.records import Run
from workbench.store import Store, views
from workbench.store.reranked import add_reranked
from workbench.teachers import TEACHERS

_SPELLED = re.compile(r"rerank:(?P<teacher>.+?)@(?P<depth>[1-9]\d*)/(?P<first_stage>.+)")


class Reranking(NamedTuple):
    """A student that is two: another one's first `depth` passages, put in order by a teacher's utilities.

    Spelled `rerank:lexical@20/bm25`; the teacher may be named by the beginning of its name.
    """

    teacher: str
    depth: int
    first_stage: str

    def __str__(self) -> str:
        return f"rerank:{self.teacher}@{self.depth}/{self.first_stage}"

    @classmethod
    def parse(cls, name: str) -> Reranking | None:
        """Return the re-ranking that a student's name spells, None if it is none."""
        spelled = _SPELLED.fullmatch(name)
        return spelled and cls(spelled["teacher"], int(spelled["depth"]), spelled["first_stage"])


def rerank_run(store: Store, reranking: Reranking, split: str) -> Run:
    """Keep the run of a re-ranking on a split, under the teacher's full name, and return it.

    It is of the collection that its first stage has ranked. Raises NothingToDo where that was not evaluated, or where
    utilities are missing.
    """
    first = views.find_run(store, reranking.first_stage, split)
    teacher = views.find_teacher(store, reranking.teacher)
    check_depth(reranking.depth, first)
    # Of teachers that are no kind here, such as imported ones, no more is expected than of one that reads references.
    kind = TEACHERS.get(teacher.partition(":")[0])
    with_answers = kind is None or kind.needs_answers
    if missing := views.unscored_first(store, first, teacher, reranking.depth, with_answers=with_answers):
        pairs, depth = sum(map(len, missing.values())), reranking.depth
        raise NothingToDo(
            f"{pairs:,} pairs of {len(missing):,} queries have no utility of {teacher}: passages that {first.student} "
            f"has among its first {depth} on {split}.",
            f"Let the teacher score them: `{line(command('rerank', first.student, depth=depth, split=split))}` with "
            "--teacher and its settings.",
        )
    name = str(Reranking(teacher, reranking.depth, first.student))
    run = Run(f"{name}@{split}", name, split, first.depth, first.collection, datetime.now(UTC))
    add_reranked(store, run, first, teacher, reranking.depth)
    return run


def check_depth(depth: int, first_stage: Run) -> None:
    """Raise BadSetting unless a run is so deep."""
    if not 1 <= depth <= first_stage.depth:
        raise BadSetting(
            f"The depth is {depth}, and the run of {first_stage.student} is {first_stage.depth:,} deep.",
            "Choose a depth within it, or evaluate the student deeper.",
        )
