"""The rooms of the dashboard in walking order, and the navigation between them."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

import workbench


class Room(NamedTuple):
    """One page: its file in pages/ without the suffix is also its address."""

    name: str
    title: str
    icon: str
    question: str


ROOMS = (
    Room("overview", "Overview", ":material/home:", "What does this workspace hold, and what comes next?"),
    Room("utility", "Utility", ":material/balance:", "Where do teacher and student disagree?"),
    Room("train", "Train", ":material/school:", "Teach a student what the teacher finds useful."),
    Room("students", "Students", ":material/leaderboard:", "Which student is best, and is it better than its base?"),
    Room("diff", "Diff", ":material/compare_arrows:", "Which queries did a student win or lose?"),
    Room("annotate", "Annotate", ":material/edit_note:", "What does a person say of the hard cases?"),
)

ENTRY = "streamlit_app.py"
ICON = Path(__file__).with_name("icon.svg")
_arranged: ContextVar[bool] = ContextVar("arranged", default=False)


def folder() -> Path:
    """Return the folder that holds `streamlit_app.py` and `pages/`: inside an installed package, or the checkout."""
    package = Path(str(workbench.__file__)).resolve().parent
    inside = package / "dashboard"
    return inside if inside.is_dir() else package.parent


def open_house() -> None:
    """Arrange the rooms and run the one that was asked for: all that the entry file does."""
    # Before the rooms are named: Streamlit fetches the icon of a room from a font service on the net to show it in the
    # browser's tab, unless the page has one of its own by then.
    st.set_page_config(page_icon=str(ICON), layout="wide")
    page = _navigation()
    token = _arranged.set(True)
    try:
        page.run()
    finally:
        _arranged.reset(token)


def arrange() -> None:
    """Arrange the rooms if the entry file has not, and open the one asked for by way of them.

    A server's first visitor may come by a link to a page: Streamlit then runs that file of `pages/` without the entry
    file, and would list the rooms by file name. A page shown like that would have other widget identities than in the
    next run, which does go by the entry file, and the visitor's first input would be lost.
    """
    if _arranged.get():
        return
    context = get_script_run_ctx()
    if context and Path(context.main_script_path).name == ENTRY:
        open_house()
        st.stop()
    _navigation()


def link(name: str, label: str, **chosen: str) -> None:
    """Show a link to a room, with the choices it is to open with."""
    room = next(room for room in ROOMS if room.name == name)
    params: Mapping[str, str] | None = chosen or None
    st.page_link(_page(room), label=label, icon=room.icon, query_params=params)


def _navigation() -> st.Page:
    return st.navigation([_page(room) for room in ROOMS])


def _page(room: Room) -> st.Page:
    file = folder() / "pages" / f"{room.name}.py"
    return st.Page(file, title=room.title, icon=room.icon, url_path=room.name, default=room is ROOMS[0])
