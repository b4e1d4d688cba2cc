"""Bring files into the workspace: look at them, say what they hold, write them, and give the queries splits."""

from __future__ import annotations

import streamlit as st

from workbench import jobs
from workbench.commands import command
from workbench.errors import WorkbenchError
from workbench.formats.recognition import read_head
from workbench.sample import SAMPLE
from workbench.steps.data.next_step import next_command
from workbench.store import Store
from workbench.ui.ingest import preview, settings_form, sources, split_form
from workbench.ui.shell import cache, collection, commands, components, frame, job_board, next_step

VERBS = ("ingest", "split")


def page(store: Store) -> None:
    """Preview files and write them as a job; then show the splits there are, and offer to make them."""
    components.lead(
        "Files become queries, passages and relevance judgements. Nothing is written before you say so: look at what "
        "was understood first. A line that cannot be read stops it, with its number."
    )
    job_board.of_verbs(store, VERBS)
    if not cache.counts(store).passages:
        _offer_sample(store)
    shell = [["info"]]
    if path := sources.select_source(store):
        try:
            head = read_head(path)
            kind, settings = settings_form.form(head)
            shell = [settings_form.arguments(kind, head, settings, preview=True)]
            summary = preview.show(store, kind, path, settings)
            _offer(store, settings_form.arguments(kind, head, settings), blocked=_blocked(summary, settings))
        except WorkbenchError as error:
            components.failed(error.problem, error.hint)
    if (counts := cache.counts(store)).queries:
        components.heading("Splits")
        collection.splits(counts.splits, cache.leaks(store))
        if arguments := split_form.form(store):
            jobs.start(store, arguments)
            st.rerun()
        if next_command(store)[0] not in VERBS:  # else it is on this page
            next_step.offer(store)
    commands.reproduce(store, "ingest", shell, "wb.views.counts(store)")


def _offer_sample(store: Store) -> None:
    """Offer the bundled sample to those who have no files at hand."""
    arguments = command("ingest", "beir", str(SAMPLE))
    line = commands.line(store, *arguments)
    components.empty("Bring files of your own below, or look around with the bundled sample:", line)
    if st.button("Ingest the bundled sample", icon=":material/dataset:"):
        jobs.start(store, arguments)
        st.rerun()


def _blocked(summary: preview.PreviewSummary, settings: settings_form.IngestSettings) -> bool:
    return bool(summary.problem_count and not settings.skip_bad_lines)


def _offer(store: Store, arguments: list[str], *, blocked: bool) -> None:
    """Offer to write the files."""
    commands.show(store, arguments)
    if blocked:
        components.stale("Some lines cannot be read. Mend the files, or leave those lines out (More settings).")
    if st.button("Write to the workspace", type="primary", icon=":material/download_done:", disabled=blocked):
        jobs.start(store, arguments)
        st.rerun()


frame.show(page, "Ingest")
