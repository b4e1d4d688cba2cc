"""How much of what a measure looks at has been judged: where little is, a measure says little."""

from __future__ import annotations

from workbench.evaluation import measures

USUAL_DEPTH = 10  # for a measure that names no depth of its own, such as AP


def cutoff(name: str) -> int:
    """Return how deep a measure looks, or the usual depth where it does not say."""
    measure = measures.parse(name)
    depth = measure["cutoff"] if "cutoff" in measure.SUPPORTED_PARAMS else None
    return depth if isinstance(depth, int) else USUAL_DEPTH


def judged_at(name: str) -> str:
    """Return the measure that tells which share of the passages a measure looks at people have judged."""
    return f"Judged@{cutoff(name)}"
