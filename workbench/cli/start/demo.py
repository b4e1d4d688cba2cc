"""The command that walks the bundled sample from files to a diff, and times each part: demo."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.session import Session
from workbench.cli.start import servers
from workbench.cli.start.serve import PORT, serve_command
from workbench.commands import line
from workbench.records import Listener
from workbench.sample import SAMPLE
from workbench.steps.compare.diff import diff
from workbench.steps.compare.evaluate import evaluate
from workbench.steps.data.ingest import ingest
from workbench.steps.teach.candidates import DEFAULT_STUDENT, candidates
from workbench.steps.teach.planning.plan import plan
from workbench.steps.teach.scoring.score import score
from workbench.steps.teach.train import train
from workbench.store import Store, views
from workbench.students import BM25, MINILM
from workbench.teachers import teacher
from workbench.trainer import TrainSettings


class Clock:
    """Times each part of the walk and prints where the time went."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time a part under its name."""
        output.line(f"▸ {name}")
        started = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - started

    def table(self) -> None:
        """Print the times, longest first, and their sum."""
        rows = [(name, f"{seconds:.1f} s") for name, seconds in sorted(self.seconds.items(), key=lambda row: -row[1])]
        output.table(("where the time went", ""), [*rows, ("in all", f"{sum(self.seconds.values()):.1f} s")])


def demo(session: Session, steps: int) -> None:
    """Walk the sample: real ingest, scoring, training and evaluation; end with what the training changed."""
    store, clock = session.store(create=True), Clock()
    with output.progress(session.reporter) as listen:
        _prepare(store, clock, listen)
        with clock.part(f"train {DEFAULT_STUDENT} on the teacher's utilities"):
            planned = plan(store, DEFAULT_STUDENT, None, TrainSettings(steps=steps))
            result = train(store, planned, listen)
            output.line(f"  {result.in_words}")
        with clock.part("evaluate before, after and two references on the test split"):
            for student in (BM25, MINILM, DEFAULT_STUDENT, result.student):
                evaluation = evaluate(store, student, "test", listen=listen)
                measures = "  ".join(f"{name} {evaluation.measures[name]}" for name in ("R@1", "AP"))
                output.line(f"  {student}: {measures}")
    _conclude(store, result.student)
    clock.table()
    output.line(f"\nLook at it: {line(['--workspace', str(session.workspace), 'serve'])}")


def _prepare(store: Store, clock: Clock, listen: Listener) -> None:
    with clock.part("ingest the bundled sample (SQuAD, CC BY-SA 4.0)"):
        added = ingest(store, "beir", SAMPLE).added
        output.line(f"  {added.passages:,} passages and {added.queries:,} queries; {added.unchanged:,} rows known")
    with clock.part("candidates: top 20 of BM25 and of the student, and the qrels"):
        output.line(f"  {candidates(store, listen=listen).in_words}")
    with clock.part("score them with the lexical teacher"):
        scored = score(store, teacher("lexical"), listen=listen)
        counts = next(counts for counts in views.teachers(store) if counts.teacher == scored.teacher)
        output.line(
            f"  {scored.pairs:,} new utilities, {scored.rate:,.0f} a second; the teacher puts a relevant passage first "
            f"for {counts.relevant_first:,} of {counts.judged:,} queries"
        )


def _conclude(store: Store, student: str) -> None:
    """Print whether the training helped, with the evidence; if it did not, print the likely reasons."""
    output.line("\nDid it help on unseen questions?")
    diffs = [diff(store, DEFAULT_STUDENT, student, measure) for measure in ("R@1", "AP")]
    for result in diffs:
        output.line(f"  {result.in_words}")
    if not all(result.comparison.verdict == "better" for result in diffs):
        output.line(
            "  So this run does not show a gain. Look at its history on the Train page: dev that never rises means too "
            "few steps or too high a learning rate; dev that rises alone means that the articles differ."
        )


def demo_command(
    context: typer.Context,
    steps: Annotated[
        int, typer.Option(min=1, help="Training steps; the most that fits two cores in a few minutes.")
    ] = 300,
    serve: Annotated[bool, typer.Option("--serve", help="Open the dashboard when the walk is done.")] = False,
    port: Annotated[
        int, typer.Option(min=1, max=servers.LAST_PORT, help="The dashboard's port on this machine.")
    ] = PORT,
) -> None:
    """Walk the bundled sample from files to a diff: ingest, score, train, evaluate; then look at it with `serve`."""
    if serve:
        servers.free(port, "serve")  # better now than after the walk
    demo(context.obj, steps)
    if serve:
        serve_command(context, port)
