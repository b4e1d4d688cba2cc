"""The frame around every page: opens the workspace, names it, and is the one place where a failure is shown."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import streamlit as st
from streamlit.runtime.scriptrunner import RerunException, StopException

from workbench import machine
from workbench.errors import StoreBusy, WorkbenchError
from workbench.results import counted
from workbench.store import Store
from workbench.ui.shell import cache, commands, components, counting, job_board, navigation, style, touch

WORKSPACE_VARIABLE = "WORKBENCH_WORKSPACE"
DEFAULT_WORKSPACE = "workspace"
PATIENCE = 1.0  # seconds that a page waits for a busy database before it says so

log = logging.getLogger("workbench.ui")


def show(page: Callable[[Store], None], title: str) -> None:
    """Show a page: a function of the store. A failure is shown as a sentence that says what to do."""
    machine.prepare()
    navigation.order_pages()
    st.set_page_config(page_title=f"{title} · workbench", page_icon=str(navigation.ICON), layout="wide")
    st.html(style.css())
    question = next(page.question for page in navigation.PAGES if page.title == title)
    st.title(title, anchor=False)
    path = workspace()
    with st.sidebar:
        st.caption("Workspace")
        st.code(str(path), language=None, wrap_lines=True)
        st.html(touch.SCRIPT, unsafe_allow_javascript=True)
    try:
        if (store := _open(path)) is None:
            return
        with st.sidebar:
            _about(store)
            store = counting.counted(store)
            job_board.drawer(store)
        st.caption(question)
        page(store)
    except (StopException, RerunException):
        raise
    except StoreBusy as busy:
        _wait(path, busy)
    except WorkbenchError as trouble:
        components.failed(trouble.problem, commands.on_this(Store(path, opened=False), trouble.hint))
    except Exception:
        mark = uuid4().hex[:8]
        log.exception("page %s failed (%s) on workspace %s", title, mark, path)
        components.failed(
            f"Something went wrong on this page. The server's log has the details under {mark}.",
            "Reload the page; if it happens again, please report it with those lines of the log.",
        )


def workspace() -> Path:
    """Return the folder of the workspace to show: WORKBENCH_WORKSPACE, else ./workspace."""
    return Path(os.environ.get(WORKSPACE_VARIABLE) or DEFAULT_WORKSPACE).expanduser().resolve()


def _open(path: Path) -> Store | None:
    """Open the workspace; None where there is none yet, which is said, with a button that makes it."""
    # A page only looks: a folder that is not there must not come to be because someone looked for it.
    if (path / "workbench.duckdb").exists():
        Store(path, opened=False).must_be_free(PATIENCE)  # before the longer wait of every other question
        return Store(path)
    components.failed(
        f"There is no workspace in {path}.",
        "Make an empty one here, or one of the bundled sample with `workbench demo`; "
        "to show another, start with `workbench --workspace PATH serve`.",
    )
    if st.button("Make an empty workspace", icon=":material/create_new_folder:"):
        Store(path, create=True)
        navigation.switch("ingest")
    return None


def _wait(path: Path, busy: StoreBusy) -> None:
    """Say who has the database, and show the page as soon as it is free."""
    components.stale(f"Waiting for the database. {busy.problem} This page goes on by itself.")

    @st.fragment(run_every=PATIENCE)
    def look() -> None:
        try:
            Store(path, opened=False).must_be_free(PATIENCE / 5)
        except StoreBusy:
            components.remark(f"Still waiting at {datetime.now(UTC):%H:%M:%S} UTC.")
        else:
            st.rerun()

    look()


def _about(store: Store) -> None:
    counts = cache.counts(store)
    components.remark(
        f"{counted(counts.passages, 'passage')}, {counted(counts.queries, 'query')}. "
        f"Revision {store.revision():,}, read {datetime.now(UTC):%H:%M} UTC."
    )
