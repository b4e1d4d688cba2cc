"""Judgements of several passages at once: selections (listwise), and first tokens (FIRST)."""

from __future__ import annotations

from string import ascii_uppercase

from workbench.teachers.chat.protocol import Reply
from workbench.teachers.judge import parsing
from workbench.teachers.judge.asking import Asking, NoJudgement, check_answered, unreadable
from workbench.teachers.judge.judging import ALONE, Judged, Judging


def listwise(judging: Judging) -> Asking[list[Judged]]:
    """Ask k times which passages are useful, each time in another order, and return each one's share of selections.

    Listwise utility judgement with k-sampling of Zhang et al., "Are Large Language Models Good at Utility Judgments?",
    arXiv 2403.19216; asked once, it is in the retriever's order. Where one of the orders
    has an answer that cannot be read, its passages have no value.
    """
    windows = [window for sample in range(judging.settings.orders) for window in judging.windows(sample)]
    labels = [[str(number) for number in range(1, len(window) + 1)] for window in windows]
    replies = yield [
        judging.asked(judging.listed(window, of_window)) for window, of_window in zip(windows, labels, strict=True)
    ]
    selections = [0] * len(judging.passages)
    endings: dict[int, NoJudgement] = {}
    for window, of_window, reply in zip(windows, labels, replies, strict=True):
        try:
            selected = selection_of(reply, of_window)
        except NoJudgement as ending:
            endings.update(dict.fromkeys(window, ending))
            continue
        for position, label in zip(window, of_window, strict=True):
            selections[position] += label in selected
    return [endings.get(position) or count / judging.settings.orders for position, count in enumerate(selections)]


def selection_of(reply: Reply, labels: list[str]) -> frozenset[str]:
    """Return the labels that a reply selects; raises NoJudgement if it cannot be read."""
    check_answered(reply)
    selected = parsing.selection(reply.text, labels)
    if selected is None:
        raise unreadable(reply, f'"My selection:" with numbers from 1 to {len(labels)} in brackets, or "none"')
    return selected


def first(judging: Judging) -> Asking[list[Judged]]:
    """Ask for the most useful passage, and return the log-probabilities of all labels as the first token of the reply.

    Single-token listwise re-ranking of Gangi Reddy et al., "FIRST", arXiv 2406.15657, for models trained to it and
    others. A value is the label's log-probability less the mean of its window, in nats, averaged over the orders: what
    the paper ranks by, made comparable between windows. It slides over long lists; here they are shown in windows.
    """
    if len(judging.passages) == 1:
        return [ALONE]
    windows = [window for sample in range(judging.settings.orders) for window in judging.windows(sample)]
    replies = yield [
        judging.asked(judging.listed(window, ascii_uppercase[: len(window)]), ascii_uppercase[: len(window)])
        for window in windows
    ]
    sums = [0.0] * len(judging.passages)
    endings: dict[int, NoJudgement] = {}
    for window, reply in zip(windows, replies, strict=True):
        try:
            values = _label_logits(reply, ascii_uppercase[: len(window)])
        except NoJudgement as ending:
            endings.update(dict.fromkeys(window, ending))
            continue
        for position, value in zip(window, values, strict=True):
            sums[position] += value
    return [endings.get(position) or total / judging.settings.orders for position, total in enumerate(sums)]


def _label_logits(reply: Reply, labels: str) -> list[float]:
    check_answered(reply)
    values = reply.choice_log_probabilities or {}
    if missing := [label for label in labels if label not in values]:
        listed = f"no log-probability of label {missing[0]}" if values else "no log-probabilities"
        raise NoJudgement("failed", f"the server gives {listed}; take a smaller window, or a local model", reply.text)
    mean = sum(values[label] for label in labels) / len(labels)
    return [values[label] - mean for label in labels]
