"""Taking a student away on a page: its card, the form that starts a copy, and the copies there are."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from workbench import jobs, students
from workbench.steps.ship.export_student import QUALITY, RUNTIMES
from workbench.store import Store
from workbench.students import Student, model_card
from workbench.ui.shell import components


def away(store: Store, student: Student) -> None:
    """Offer to take a student away, folded, with its card and the copies that were taken."""
    with st.expander("Take it away", icon=":material/inventory_2:"):
        components.remark(f"Its folder, which SentenceTransformer opens: {student.path}")
        if st.toggle("Show its model card", key=f"card-{student.name}"):
            file = student.path / model_card.CARD
            if file.is_file():
                # As text: what others wrote is never obeyed here.
                st.code(file.read_text(encoding="utf-8"), language="markdown", wrap_lines=True)
            else:
                components.remark("It has no card yet: it was trained before there were any. Evaluating it writes one.")
        _form(store, student)
        for taken in students.trained(store.exports):
            if taken.name == student.name:
                _taken(taken.path)


def _form(store: Store, student: Student) -> None:
    left, middle, right = st.columns([3, 2, 2], vertical_alignment="bottom")
    chosen = left.multiselect(
        "For other runtimes too", RUNTIMES, key=f"runtimes-{student.name}", placeholder="none, just a copy",
        help="They need the extra: pip install 'utility-workbench[runtimes]'. OpenVINO does not take static ones.",
    )  # fmt: skip
    int8 = middle.checkbox("In int8 as well", key=f"int8-{student.name}", disabled=not chosen)
    check = right.number_input(
        "Queries to compare it on",
        0,
        100_000,
        200,
        key=f"check-{student.name}",
        disabled=not chosen,
        help="Judged queries on which each runtime is held against the student itself; 0: all of them.",
    )
    arguments = ["export-student", student.name, str(_free(store, student))]
    arguments += [part for name in chosen for part in ("--runtime", name)]
    arguments += ["--int8"] if int8 and chosen else []
    arguments += ["--check", str(int(check))] if chosen else []
    st.code(shlex.join(["workbench", "--workspace", str(store.path), *arguments]), language="shell", wrap_lines=True)
    if st.button("Take it away", key=f"export-{student.name}", icon=":material/inventory_2:"):
        jobs.start(store, arguments)
        st.rerun()


def _free(store: Store, student: Student) -> Path:
    """Return a place in the workspace's exports that nothing has taken yet."""
    place = store.exports / students.slug(student.name)
    number = 2
    while place.exists():
        place, number = place.with_name(f"{students.slug(student.name)}-{number}"), number + 1
    return place


def _taken(folder: Path) -> None:
    components.remark(f"Taken away to {folder}")
    file = folder / QUALITY
    if file.is_file():
        told = json.loads(file.read_text(encoding="utf-8"))
        rows = [
            {
                "file": loss["file"],
                **{one["measure"]: f"{one['after']['mean']:.3f} ({_signed(one)})" for one in loss["comparisons"]},
                "cosine to the original": f"{loss['cosine']:.4f}, at least {loss['least_cosine']:.4f}",
                "texts a second": f"{loss['texts']:,.0f} (original {loss['texts_before']:,.0f})",
                "size": f"{loss['size'] / 1e6:,.1f} MB",
            }
            for loss in told["losses"]
        ]
        st.dataframe(rows, hide_index=True)
        components.remark(
            f"Measured on {told['queries']:,} queries of {told['split']} over {told['passages']:,} passages; changes "
            "are paired, with 95 % intervals."
        )
    st.download_button(
        "Download as one file", lambda: _zipped(folder), file_name=f"{folder.name}.zip", mime="application/zip",
        key=f"zip-{folder.name}", icon=":material/download:", on_click="ignore", help="Packed when you ask for it.",
    )  # fmt: skip


def _signed(comparison: dict[str, dict[str, float]]) -> str:
    found = comparison["difference"]
    return f"{found['mean']:+.3f} [{found['low']:+.3f}, {found['high']:+.3f}]"


def _zipped(folder: Path) -> bytes:
    from shutil import make_archive

    with TemporaryDirectory() as place:
        return Path(make_archive(f"{place}/student", "zip", folder.parent, folder.name)).read_bytes()
