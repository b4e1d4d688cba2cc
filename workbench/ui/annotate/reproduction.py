"""How to come to a queue of hard cases again: the shell line, the notebook cell and the link."""

from __future__ import annotations

from workbench.commands import command
from workbench.store import Store
from workbench.store.views import HardCase
from workbench.ui.annotate.case_queue import ALL, NO_BASE, Queue
from workbench.ui.shell import commands, pickers

# What the last verdict on a case is in each tab; "draft" is a note without a verdict.
STATES = {
    "pending": "in (None, 'draft', 'withdrawn')",
    "done": "not in (None, 'draft', 'withdrawn', 'skipped')",
    "skipped": "== 'skipped'",
}


def reproduce(store: Store, queue: Queue, case: HardCase | None) -> None:
    """Show how to list the cases of this queue: its rule, its thresholds and the run that it compares with."""
    pair, before = queue.search.pair, queue.search.before
    commands.reproduce(
        store,
        "annotate",
        [["agreement"] if queue.settles else _arguments(queue)],
        "\n".join(_disputes() if queue.settles else _cases(queue)),
        teacher=pair.teacher,
        split=pickers.split_name(pair.run.split),
        student=pair.run.student,
        base=before.student if before else NO_BASE,
        rule=queue.rule,
        tab=queue.tab,
        query=case.query_id if case else "",
        passage=case.passage_id if case else "",
    )


def _arguments(queue: Queue) -> list[str]:
    (teacher, run), before = queue.search.pair, queue.search.before
    return command(
        "cases",
        run.student,
        split=run.split,
        teacher=teacher,
        before=before and before.student,
        rule=queue.rule if queue.rule != ALL else "",
        set=[f"{name}={value:.12g}" for name, value in queue.search.thresholds.chosen.items()],
        queries=queue.search.queries,
    )


def _cases(queue: Queue) -> list[str]:
    (teacher, run), before = queue.search.pair, queue.search.before
    other = f"wb.views.find_run(store, {before.student!r}, {before.split!r})" if before else "None"
    condition = f"verdicts.get(case[:2]) {STATES[queue.tab]}"
    if queue.rule != ALL:
        condition = f"{queue.rule!r} in case.rules and {condition}"
    return [
        f"run = wb.views.find_run(store, {run.student!r}, {run.split!r})",
        f"before = {other}",
        f"thresholds = wb.views.{queue.search.thresholds!r}",
        f"part = wb.views.Part(queries={queue.search.queries})",
        f"cases = wb.views.hard_cases(store, {teacher or None!r}, run, before, thresholds, part)",
        f"rows = wb.views.last_words(store, {queue.annotator!r})",
        "verdicts = {row[:2]: row.verdict for row in rows if row.rule != wb.views.ADJUDICATION}",
        f"[case for case in cases if {condition}]",
    ]


def _disputes() -> list[str]:
    return ["wb.annotator_agreement(store)", "wb.views.disputes(store)"]
