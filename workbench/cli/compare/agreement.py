"""The command for agreement, of a student with its teacher or of annotators with one another: agreement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json, LeftOut, MeasuredQueries, Relevance, Split, TeacherName, TeacherTemperature
from workbench.cli.session import Session
from workbench.errors import BadSetting
from workbench.evaluation.comparison import Comparison, printed_p
from workbench.evaluation.teacher_agreement import STUDENT_TEMPERATURE, TEACHER_AGREEMENTS
from workbench.steps.annotate.annotator_agreement import annotator_agreement
from workbench.steps.compare.agreement.common_pools import AgreementSettings
from workbench.steps.compare.agreement.teacher_agreement import TeacherAgreement, closeness, teacher_agreement
from workbench.store.views import MOST_QUERIES


def agreement_command(
    context: typer.Context,
    student: Annotated[
        str,
        typer.Argument(help="A student that was evaluated; without one, annotators are compared.", show_default=False),
    ] = "",
    before: Annotated[str, typer.Option(help="A student to compare with, such as its base.")] = "",
    teacher: TeacherName = "",
    split: Split = "test",
    teacher_temperature: TeacherTemperature = None,
    student_temperature: Annotated[float, typer.Option(help="Divides similarities.")] = STUDENT_TEMPERATURE,
    queries: MeasuredQueries = MOST_QUERIES,
    show: Annotated[int, typer.Option(min=0, help="How many of the queries farthest from the teacher to print.")] = 5,
    relevance: Relevance = None,
    without_relevant: LeftOut = None,
    json: Json = False,
) -> None:
    """Measure how far a student agrees with a teacher or, without a student, annotators with one another.

    With a student: divergences, rank correlations and first choices over the passages that the teacher scored, as
    means over queries. With --before also paired differences, and the performance gap recovered.
    """
    session: Session = context.obj
    if not student:
        if before or teacher:
            raise BadSetting("A teacher agrees with a student, and none is named.", "workbench agreement STUDENT")
        return _annotators(session, json)
    store = session.store(relevance=relevance, without_relevant=without_relevant)
    settings = AgreementSettings(teacher_temperature, student_temperature, queries)
    with output.progress(session.reporter):
        result = teacher_agreement(store, student, teacher, split, before, settings)
    session.finish(result, result.in_words, json)
    if not json:
        _print(result, show)


def _print(result: TeacherAgreement, show: int) -> None:
    output.note(result.temperatures.in_words)
    for remark in result.remarks:
        output.note(remark)
    if result.comparisons:
        _differences(result.comparisons)
    else:
        output.table(
            ("", "mean", ""),
            [(name, f"{mean}", TEACHER_AGREEMENTS[name].meaning) for name, mean in result.after.items()],
        )
    if result.gap_recovered:
        output.table(
            ("", "before", "student", "teacher", "recovered"),
            [
                (gap.measure, f"{gap.before}", f"{gap.student}", f"{gap.teacher}", gap.share_in_words)
                for gap in result.gap_recovered
            ],
            title="\nPerformance gap recovered: over the same passages, the share of the teacher's lead",
        )
    _reliability(result)
    output.table(
        ("query", "text", "KL", "before", "regret"),
        [
            (row.query_id, row.text, row.after["KL"], row.before.get("KL"), row.after["regret"])
            for row in result.rows[:show]
        ],
        title="\nFarthest from the teacher",
    )


def _differences(comparisons: Sequence[Comparison]) -> None:
    output.table(
        ("", "before", "after", "difference", "p (Holm)", ""),
        [
            (row.measure, f"{row.before}", f"{row.after}", f"{row.difference.mean:+.3f}", printed_p(row.adjusted_p),
             closeness(row)) for row in comparisons
        ],
    )  # fmt: skip


def _reliability(result: TeacherAgreement) -> None:
    before = result.reliability_before
    output.table(
        ("student's probability of its first passage against", "calibration error", "before"),
        [
            (curve.observed, curve.error, before[name].error if result.before else None)
            for name, curve in result.reliability.items()
            if curve.error is not None
        ],
        title="\nReliability",
    )


def _annotators(session: Session, json: bool) -> None:
    result = annotator_agreement(session.store())
    session.finish(result, result.in_words, json)
    if json or not result.pairs:
        return
    output.table(
        ("Krippendorff's alpha of", "alpha", "pairs"),
        [
            ("verdicts, nominal", _coefficient(result.nominal), result.pairs),
            ("verdicts, in order", _coefficient(result.ordinal), result.pairs),
            ("grades, in order", _coefficient(result.grades), result.graded),
        ],
    )
    output.table(
        ("annotator", "and", "pairs", "same verdict", "Cohen's kappa"),
        [(two.first, two.second, two.pairs, f"{two.same:.0%}", _coefficient(two.kappa)) for two in result.twos],
    )


def _coefficient(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
