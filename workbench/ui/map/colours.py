"""What the points of a map are coloured by."""

from __future__ import annotations

from workbench.records import Unit
from workbench.store import Store
from workbench.store.views import COLOURS, Colour
from workbench.ui.map.projections import run_of
from workbench.ui.shell import cache, components, pickers


def choose(store: Store, query_id: str) -> Colour:
    """Let a person choose what colours the points, and whose utilities; says what the colour stands for."""
    teachers = pickers.scoring_teachers(store)
    counts = cache.counts(store)
    offered = {
        "kind": True,
        "split": True,
        "tag": bool(cache.tags(store)),
        "relevance": bool(counts.qrels),
        "utility": bool(teachers),
        "agreement": bool(teachers and counts.runs),
        "annotation": bool(counts.annotations),
    }
    left, right = components.columns("pickers-colours", [1, 2])
    with left:
        by = pickers.select("Colour", [name for name, there in offered.items() if there], "colour", "kind")
    teacher = pickers.teacher(store) or ""
    if by in ("utility", "agreement") and len(teachers) > 1:
        with right:
            teacher = pickers.select("Teacher", teachers, "teacher", teacher)
    of_query = query_id if by in ("utility", "relevance") else ""
    components.remark(f"Colour: {COLOURS[by].about}{f'; {teacher}' if by in ('utility', 'agreement') else ''}.")
    return Colour(by, teacher, query_id=of_query)


def of_student(store: Store, colour: Colour, student: str) -> Colour:
    """Return a colour with the rankings of a student."""
    run = run_of(store, student)
    return Colour(colour.by, colour.teacher, run.run if run else "", colour.query_id)


def unit_of(store: Store, colour: Colour) -> Unit:
    """Return the unit of the teacher's utilities."""
    return cache.teacher_unit(store, colour.teacher) if colour.teacher else "unknown"
