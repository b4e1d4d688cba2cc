"""The command that ranks and measures: evaluate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import (
    Address,
    EngineName,
    EngineSettings,
    Json,
    LeftOut,
    Relevance,
    Shards,
    Split,
    engine_of,
)
from workbench.cli.session import Session
from workbench.evaluation.significance import Interval
from workbench.records import INDEX_KINDS, IndexKind
from workbench.results import counted
from workbench.steps.compare.evaluate import Evaluation, evaluate


def evaluate_command(
    context: typer.Context,
    student: Annotated[list[str], typer.Argument(help="One or more students, or imported runs; `bm25` is one too.")],
    split: Split = "test",
    depth: Annotated[int, typer.Option(min=1, help="How deep the rankings go.")] = 100,
    relevance: Relevance = None,
    without_relevant: LeftOut = None,
    engine: EngineName = "local",
    address: Address = "",
    shards: Shards = "",
    on: EngineSettings = None,
    index: Annotated[
        IndexKind | None,
        typer.Option(
            help=f"How vectors are searched, one of {', '.join(INDEX_KINDS)}; the workspace's setting unless given.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Rank the passages for every query of a split, and measure the rankings against the qrels."""
    session: Session = context.obj
    where = engine_of(engine, address, shards, on)
    store = session.store(relevance=relevance, without_relevant=without_relevant, index=index)
    evaluations: list[Evaluation] = []
    with output.progress(session.reporter) as listen:
        evaluations.extend(evaluate(store, name, split, depth, listen, where) for name in student)
    session.message = "; ".join(evaluation.in_words for evaluation in evaluations)
    if json:
        output.as_json(evaluations)
    else:
        _show(evaluations, session.message)
    session.suggest_next(store)


def _show(evaluations: list[Evaluation], summary: str) -> None:
    """Print the measures side by side, or why there are none."""
    first = evaluations[0]
    if not first.measures:
        return output.line(summary)
    header = ("measure", *(evaluation.student for evaluation in evaluations))
    output.table(header, _rows([evaluation.measures for evaluation in evaluations]))
    for evaluation in evaluations:
        if evaluation.imported:
            output.note(f"{evaluation.student}: imported run, measured as it is")
        if evaluation.approximation:
            output.note(f"{evaluation.student}: {evaluation.approximation}")
        if evaluation.unanswered:
            output.note(
                f"{evaluation.student}: no ranking for {counted(evaluation.unanswered, 'judged query')}, counted as 0"
            )
    output.note(f"means over {first.counts.in_words} with 95 % bootstrap intervals")
    if not first.unseen:
        return
    output.line(f"\n{first.unseen.followed_by('as follows')}")
    if first.unseen_measures:
        output.table(header, _rows([evaluation.unseen_measures for evaluation in evaluations]))


def _rows(measures: Sequence[Mapping[str, Interval]]) -> list[tuple[str, ...]]:
    """Return a row for each measure that any of the students has."""
    names = dict.fromkeys(name for of_student in measures for name in of_student)
    return [(name, *(str(of_student.get(name, "not read")) for of_student in measures)) for name in names]
