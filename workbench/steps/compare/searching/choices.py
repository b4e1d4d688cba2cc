"""Which students a search can be made with, and with which it is made unless others are named."""

from __future__ import annotations

from workbench import students
from workbench.steps.compare.ranking.rerank import Reranking
from workbench.store import Store, views
from workbench.students import BM25


def searching_students(store: Store) -> list[str]:
    """Return BM25, the students that were evaluated here, and those that were trained: all that rank passages."""
    evaluated = [run.student for run in views.runs(store) if not run.imported and not Reranking.parse(run.student)]
    trained = [student.name for student in students.trained(store.students) if student.recipe.get("teacher")]
    return list(dict.fromkeys([BM25, *evaluated, *trained]))


def usual_students(store: Store) -> list[str]:
    """Return BM25, the base of the student that was trained last, and that student, as far as there are such."""
    known = searching_students(store)
    newest = next((one for one in reversed(students.trained(store.students)) if one.name in known and one.base), None)
    wanted = [BM25, newest.base, newest.name] if newest else [BM25, known[-1]]
    return [name for name in dict.fromkeys(wanted) if name in known]
