"""Pointwise judgement: each passage by itself gets a grade."""

from __future__ import annotations

from workbench.records import GRADES
from workbench.teachers.chat.protocol import Reply
from workbench.teachers.judge import parsing
from workbench.teachers.judge.asking import Asking, check_answered, unreadable
from workbench.teachers.judge.judging import Judged, Judging
from workbench.teachers.judge.prompts import passage_values

CHOICES = tuple(map(str, GRADES))


def pointwise(judging: Judging) -> Asking[list[Judged]]:
    """Ask for the grade of the one passage: the expected one where the grades' probabilities are known.

    E[grade] = sum of g p(g), with p the distribution of the reply's first token over the grades 0 to 3 (Liu et al.,
    "G-Eval", arXiv 2303.16634, equation 1), where at least half of the probability lies on grades.
    """
    (reply,) = yield [judging.asked(passage_values(judging.read(0)), CHOICES)]
    return [_grade(reply, judging.settings.expected)]


def _grade(reply: Reply, expected: bool) -> float:
    check_answered(reply)
    if expected and (probabilities := parsing.distribution(reply)):
        return sum(int(choice) * probability for choice, probability in probabilities.items())
    written = parsing.grade(reply.text)
    if written is None:
        raise unreadable(reply, "a grade from 0 to 3 alone")
    return float(written)
