"""Utility-based selection: a window slides over the passages, and those that a pseudo-answer rests on stay in it."""

from __future__ import annotations

from workbench.teachers.judge.asking import Asking
from workbench.teachers.judge.judging import Judged, Judging
from workbench.teachers.judge.lists import selection_of


def selection(judging: Judging) -> Asking[list[Judged]]:
    """Slide over k orders of the passages, and return the share of them that end with a passage selected.

    Zhang et al., "Distilling a Small Utility-Based Passage Selector to Enhance Retrieval-Augmented Generation", arXiv
    2507.19102: the model writes a pseudo-answer and selects the passages that it rests on, window by window, from front
    to back. The paper's order is the retriever's, as that of one here; several are shuffled.
    """
    selections = [0] * len(judging.passages)
    for sample in range(judging.settings.orders):
        for position in (yield from _slide(judging, judging.order(sample))):
            selections[position] += 1
    return [count / judging.settings.orders for count in selections]


def _slide(judging: Judging, order: list[int]) -> Asking[list[int]]:
    """Return the passages that are selected when the window has reached the end.

    A window holds the passages that the one before selected, which are judged again, and new ones to fill it, at least
    `stride` of them: the earliest selected beyond that leave it, and stay selected.
    """
    window, stride = judging.settings.window, judging.settings.stride
    settled: list[int] = []
    carried: list[int] = []
    while order:
        leaving = max(0, len(carried) + stride - window)
        settled, carried = settled + carried[:leaving], carried[leaving:]
        fresh = window - len(carried)
        shown, order = carried + order[:fresh], order[fresh:]
        labels = [str(number) for number in range(1, len(shown) + 1)]
        (reply,) = yield [judging.asked(judging.listed(shown, labels))]
        selected = selection_of(reply, labels)
        carried = [position for position, label in zip(shown, labels, strict=True) if label in selected]
    return settled + carried
