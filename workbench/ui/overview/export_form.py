"""Exporting data from the overview: the form that starts an export as a job, and the files that were exported."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from workbench import jobs
from workbench.commands import command
from workbench.records import SPLITS
from workbench.steps.data.formats import Format, writable
from workbench.store import Store
from workbench.ui.shell import cache, commands, components, pickers

MANIFEST = ".manifest.json"
ENDINGS = {"qrels": ".txt", "run": ".run"}  # of kinds that any name will do for; the others are folders
SHOWN = 10


def offer(store: Store) -> None:
    """Offer, folded, to write data for other programs, and show what was written."""
    with st.expander("Export data", icon=":material/ios_share:"):
        if arguments := _form(store):
            commands.show(store, arguments)
            if st.button("Export", key="export-start", icon=":material/ios_share:"):
                jobs.start(store, arguments)
                st.rerun()
        for manifest in sorted(store.exports.glob(f"*{MANIFEST}"), reverse=True)[:SHOWN]:
            _exported(manifest.with_name(manifest.name.removesuffix(MANIFEST)))


def _form(store: Store) -> list[str]:
    """Ask what to export; return the arguments of the program, none where what it needs is not there."""
    kinds = writable()
    left, middle, right = components.columns("pickers-export", [2, 1, 1])
    kind = left.selectbox(
        "Kind", list(kinds), key="export-kind", format_func=lambda name: f"{name}: {kinds[name].about}",
        help="docs/exports.md says which carry what, and which come back by an ingest.",
    )  # fmt: skip
    form, options = kinds[kind], dict[str, object]()
    teachers, runs = pickers.scoring_teachers(store), cache.runs(store)
    if "teacher" in form.settings and teachers:
        options["teacher"] = middle.selectbox("Teacher", teachers, key="export-teacher")
    if "student" in form.settings:
        if not runs:
            components.remark("No student has been evaluated yet.")
            return []
        options["student"] = middle.selectbox("Student", sorted({run.student for run in runs}), key="export-student")
    if "split" in form.settings:
        usual = SPLITS.index(form.split) + 1 if form.split else 0
        chosen = right.selectbox(
            "Split", ["", *SPLITS], usual, key=f"export-split-{kind}", format_func=lambda name: name or "all"
        )
        options["split"] = chosen
    ending = st.segmented_control(
        "Ending", form.endings, default=form.endings[0], key=f"export-ending-{kind}", required=True
    ) if len(form.endings) > 1 else _only_ending(kind, form)  # fmt: skip
    return command("export", kind, str(_unused(store, kind, str(ending))), **options)


def _only_ending(kind: str, form: Format) -> str:
    return form.endings[0] if form.endings else ENDINGS.get(kind, "")


def _unused(store: Store, kind: str, ending: str) -> Path:
    """Return a path in the workspace's exports where nothing is yet."""
    path, number = store.exports / f"{kind}{ending}", 2
    while path.exists():
        path, number = store.exports / f"{kind}-{number}{ending}", number + 1
    return path


def _exported(path: Path) -> None:
    if not path.is_file():
        components.remark(f"Exported to the folder {path}" if path.exists() else f"{path.name} is no longer there.")
        return
    st.download_button(
        f"Download {path.name}", path.read_bytes, file_name=path.name, key=f"download-{path.name}",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip
