"""The command that says who agrees: annotators with one another, or a student with its teacher."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json, Split
from workbench.cli.session import Session
from workbench.errors import BadSetting
from workbench.evaluation import STUDENT_TEMPERATURE, TEACHER_AGREEMENTS
from workbench.steps.annotate.annotator_agreement import annotator_agreement
from workbench.steps.compare.teacher_agreement import AgreementSettings, TeacherAgreement, closeness, teacher_agreement


def agreement_command(
    context: typer.Context,
    student: Annotated[
        str, typer.Argument(help="A student that was evaluated; without one, annotators.", show_default=False)
    ] = "",
    before: Annotated[str, typer.Option(help="A student to compare with, such as its base.")] = "",
    teacher: Annotated[str, typer.Option(help="Whose utilities, by name or its beginning.")] = "",
    split: Split = "test",
    teacher_temperature: Annotated[
        float | None, typer.Option(help="Divides utilities; unless given, set from their spread.", show_default=False)
    ] = None,
    student_temperature: Annotated[float, typer.Option(help="Divides similarities.")] = STUDENT_TEMPERATURE,
    show: Annotated[int, typer.Option(min=0, help="How many of the queries farthest from the teacher to print.")] = 5,
    json: Json = False,
) -> None:
    """Say how far a student agrees with a teacher, or, without a student, annotators with one another.

    With a student: divergences, rank correlations and first choices over the passages that the teacher scored, as
    means over queries. With --before also paired differences, and the performance gap recovered.
    """
    session: Session = context.obj
    if not student:
        if before or teacher:
            raise BadSetting("A teacher agrees with a student, and none is named.", "workbench agreement STUDENT")
        return _annotators(session, json)
    settings = AgreementSettings(teacher_temperature, student_temperature)
    found = teacher_agreement(session.store(), student, teacher, split, before, settings)
    session.tell(found, found.in_words, json)
    if not json:
        _print(found, show)


def _print(found: TeacherAgreement, show: int) -> None:
    output.note(found.temperatures.in_words)
    for remark in found.remarks:
        output.note(remark)
    if found.comparisons:
        rows = [
            (c.measure, f"{c.before}", f"{c.after}", f"{c.difference.mean:+.3f}", f"{c.adjusted_p:.4f}", closeness(c))
            for c in found.comparisons
        ]
        output.table(("", "before", "after", "difference", "p (Holm)", ""), rows)
    else:
        output.table(
            ("", "mean", ""),
            [(kind, f"{mean}", TEACHER_AGREEMENTS[kind].meaning) for kind, mean in found.after.items()],
        )
    if found.gap_recovered:
        output.table(
            ("", "before", "student", "teacher", "kept"),
            [(k.measure, f"{k.before}", f"{k.student}", f"{k.teacher}", k.share_in_words) for k in found.gap_recovered],
            title="\nOver the same passages, and the share of the teacher's advantage that was kept",
        )
    calibrated = [(name, curve) for name, curve in found.reliability.items() if curve.error is not None]
    output.table(
        ("student's probability of its first passage against", "calibration error", "before"),
        [
            (c.observed, c.error, found.reliability_before[name].error if found.before else None)
            for name, c in calibrated
        ],
        title="\nReliability",
    )
    rows_of_queries = [(r.query_id, r.text, r.after["KL"], r.before.get("KL"), r.after["regret"]) for r in found.rows]
    output.table(
        ("query", "text", "KL", "before", "regret"), rows_of_queries[:show], title="\nFarthest from the teacher"
    )


def _annotators(session: Session, json: bool) -> None:
    found = annotator_agreement(session.store())
    session.tell(found, found.in_words, json)
    if json or not found.pairs:
        return
    measures = (("verdicts, nominal", found.nominal, found.pairs), ("verdicts, in order", found.ordinal, found.pairs),
                ("grades, in order", found.grades, found.graded))  # fmt: skip
    output.table(("Krippendorff's alpha of", "alpha", "pairs"), [(name, _said(a), n) for name, a, n in measures])
    rows = [(two.first, two.second, two.pairs, f"{two.same:.0%}", _said(two.kappa)) for two in found.twos]
    output.table(("annotator", "and", "pairs", "same verdict", "Cohen's kappa"), rows)


def _said(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
