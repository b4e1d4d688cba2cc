"""Pairwise judgement (PRP): which of two passages is more useful, asked in both orders, and the order that follows."""

from __future__ import annotations

from collections.abc import Callable, Generator
from itertools import combinations

from workbench.teachers.chat.protocol import Prompt, Reply
from workbench.teachers.judge import parsing
from workbench.teachers.judge.asking import Asking, NoJudgement, check_answered, unreadable
from workbench.teachers.judge.judging import ALONE, Judged, Judging

# Which of two passages, named by position, is better: 1 the first, -1 the second, 0 where the two orders disagree.
Compare = Callable[[int, int], Asking[int]]


def pairwise(judging: Judging) -> Asking[list[Judged]]:
    """Compare the passages of a query, and return the share of the others that each is better than.

    Pairwise ranking prompting of Qin et al., arXiv 2306.17563: two passages are compared in both orders, and are tied
    where these disagree. PRP-Allpair counts a tie as half; PRP-Sorting and PRP-Sliding-K give an order, in which
    "better" is "before"; what K passes leave in no order is tied.
    """
    count = len(judging.passages)
    if count == 1:
        return [ALONE]
    settings = judging.settings
    if settings.comparisons == "all_pairs":
        return (yield from _all_pairs(judging))

    def compare(one: int, other: int) -> Asking[int]:
        replies = yield _both_orders(judging, one, other)
        return _outcome(*replies)

    if settings.comparisons == "heapsort":
        order, settled = (yield from heapsort(judging.order(), compare)), count
    else:
        order, settled = (yield from sliding(judging.order(), compare, settings.passes)), min(settings.passes, count)
    shares = [(count - 1 - rank) / (count - 1) for rank in range(count)]
    if settled < count:
        shares[settled:] = [sum(shares[settled:]) / (count - settled)] * (count - settled)
    by_position = dict(zip(order, shares, strict=True))
    return [by_position[position] for position in range(count)]


def heapsort(positions: list[int], compare: Compare) -> Generator[list[Prompt], list[Reply], list[int]]:
    """Return the positions, best first, after O(n log n) comparisons."""
    heap = list(positions)
    for start in reversed(range(len(heap) // 2)):
        yield from _sift_down(heap, start, len(heap), compare)
    for end in range(len(heap) - 1, 0, -1):
        heap[0], heap[end] = heap[end], heap[0]
        yield from _sift_down(heap, 0, end, compare)
    return heap[::-1]


def sliding(positions: list[int], compare: Compare, passes: int) -> Generator[list[Prompt], list[Reply], list[int]]:
    """Return the positions with the best `passes` of them in order at the front: as many passes from back to front."""
    order = list(positions)
    for start in range(min(passes, len(order) - 1)):
        for at in range(len(order) - 1, start, -1):
            if (yield from compare(order[at], order[at - 1])) > 0:
                order[at - 1], order[at] = order[at], order[at - 1]
    return order


def _sift_down(heap: list[int], start: int, end: int, compare: Compare) -> Generator[list[Prompt], list[Reply], None]:
    """Move one entry down until none below it is better; the best comes to the top."""
    parent = start
    while (child := 2 * parent + 1) < end:
        if child + 1 < end and (yield from compare(heap[child + 1], heap[child])) > 0:
            child += 1
        if (yield from compare(heap[child], heap[parent])) <= 0:
            return
        heap[parent], heap[child] = heap[child], heap[parent]
        parent = child


def _all_pairs(judging: Judging) -> Asking[list[Judged]]:
    """Compare each two passages; where a comparison cannot be read, both have no value."""
    count = len(judging.passages)
    pairs = list(combinations(judging.order(), 2))
    replies = yield [prompt for pair in pairs for prompt in _both_orders(judging, *pair)]
    wins = [0.0] * count
    endings: dict[int, NoJudgement] = {}
    for at, (one, other) in enumerate(pairs):
        try:
            outcome = _outcome(replies[2 * at], replies[2 * at + 1])
        except NoJudgement as ending:
            endings |= {one: ending, other: ending}
            continue
        wins[one] += (1 + outcome) / 2
        wins[other] += (1 - outcome) / 2
    return [endings.get(position) or won / (count - 1) for position, won in enumerate(wins)]


def _both_orders(judging: Judging, one: int, other: int) -> list[Prompt]:
    texts = {position: judging.prompt.written(judging.read(position)) for position in (one, other)}
    return [
        judging.asked({"passage_a": texts[first], "passage_b": texts[second]}, ("A", "B"))
        for first, second in ((one, other), (other, one))
    ]


def _outcome(reply: Reply, reply_of_reverse: Reply) -> int:
    preferred = _letter(reply), _letter(reply_of_reverse)
    return {("A", "B"): 1, ("B", "A"): -1}.get(preferred, 0)


def _letter(reply: Reply) -> str:
    check_answered(reply)
    probabilities = parsing.distribution(reply)
    if probabilities and len(probabilities) == 2:
        return max(probabilities, key=probabilities.__getitem__)
    written = parsing.letter(reply.text)
    if written is None:
        raise unreadable(reply, "A or B alone")
    return written
