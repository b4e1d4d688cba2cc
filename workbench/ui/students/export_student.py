"""Exporting a student from a page: its model card, the form that starts an export, and the exports there are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import streamlit as st

from workbench import jobs, students
from workbench.commands import command
from workbench.steps.ship.export_student import QUALITY, RUNTIMES
from workbench.store import Store
from workbench.students import Student, model_card
from workbench.ui.shell import commands, components


def offer(store: Store, student: Student) -> None:
    """Offer to export a student, folded, with its model card and its exports so far."""
    with st.expander("Export student", icon=":material/inventory_2:"):
        components.remark(f"Its folder, which SentenceTransformer opens: {student.path}")
        if st.toggle("Show its model card", key=f"card-{student.name}"):
            file = student.path / model_card.CARD
            if file.is_file():
                # As text: what others wrote is never obeyed here.
                st.code(file.read_text(encoding="utf-8"), language="markdown", wrap_lines=True)
            else:
                components.remark(
                    "It has no model card: it was trained before there were any. Evaluating it writes one."
                )
        arguments = _form(store, student)
        commands.show(store, arguments)
        if st.button("Export student", key=f"export-{student.name}", icon=":material/inventory_2:"):
            jobs.start(store, arguments)
            st.rerun()
        for exported in students.trained(store.exports):
            if exported.name == student.name:
                _exported(exported.path)


def _form(store: Store, student: Student) -> list[str]:
    """Ask for the runtimes and how to check them; return the arguments of the program."""
    left, middle, right = st.columns([3, 2, 2], vertical_alignment="bottom")
    runtimes = left.multiselect(
        "For other runtimes too", RUNTIMES, key=f"runtimes-{student.name}", placeholder="none, just a copy",
        help="They need the extra: pip install 'utility-workbench[runtimes]'. OpenVINO does not take static ones.",
    )  # fmt: skip
    int8 = middle.checkbox("In int8 as well", key=f"int8-{student.name}", disabled=not runtimes)
    check = right.number_input(
        "Queries to compare it on",
        0,
        100_000,
        200,
        key=f"check-{student.name}",
        disabled=not runtimes,
        help="Judged queries on which each runtime is compared with the student itself; 0: all of them.",
    )
    options = {"runtime": runtimes, "int8": int8, "check": int(check)} if runtimes else {}
    return command("export-student", student.name, str(_unused_folder(store, student)), **options)


def _unused_folder(store: Store, student: Student) -> Path:
    """Return a folder in the workspace's exports that does not exist yet."""
    folder = store.exports / students.slug(student.name)
    number = 2
    while folder.exists():
        folder, number = folder.with_name(f"{students.slug(student.name)}-{number}"), number + 1
    return folder


def _exported(folder: Path) -> None:
    components.remark(f"Exported to {folder}")
    file = folder / QUALITY
    if file.is_file():
        quality = json.loads(file.read_text(encoding="utf-8"))
        st.dataframe(_losses(quality["losses"]), hide_index=True)
        components.remark(
            f"Measured on {quality['queries']:,} queries of {quality['split']} over {quality['passages']:,} passages; "
            "changes are paired, with 95 % intervals."
        )
    st.download_button(
        "Download as one file", lambda: _zipped(folder), file_name=f"{folder.name}.zip", mime="application/zip",
        key=f"zip-{folder.name}", icon=":material/download:", on_click="ignore", help="Packed when you ask for it.",
    )  # fmt: skip


def _losses(losses: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """Return what each exported file lost, as the cells of a table."""
    return [
        {
            "file": loss["file"],
            **{row["measure"]: f"{row['after']['mean']:.3f} ({_signed(row)})" for row in loss["comparisons"]},
            "cosine to the original": f"{loss['cosine']:.4f}, at least {loss['least_cosine']:.4f}",
            "texts a second": f"{loss['texts']:,.0f} (original {loss['texts_before']:,.0f})",
            "size": f"{loss['size'] / 1e6:,.1f} MB",
        }
        for loss in losses
    ]


def _signed(comparison: dict[str, dict[str, float]]) -> str:
    difference = comparison["difference"]
    return f"{difference['mean']:+.3f} [{difference['low']:+.3f}, {difference['high']:+.3f}]"


def _zipped(folder: Path) -> bytes:
    from shutil import make_archive

    with TemporaryDirectory() as scratch:
        return Path(make_archive(f"{scratch}/student", "zip", folder.parent, folder.name)).read_bytes()
