"""The pages of the dashboard in walking order, and the links between them."""

from __future__ import annotations

from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

import workbench


class Page(NamedTuple):
    """One page: its file in pages/ without the suffix, which is also its address, and the question it answers."""

    name: str
    title: str
    icon: str
    question: str


PAGES = (
    Page("overview", "Overview", ":material/home:", "What does this workspace hold, and what comes next?"),
    Page("ingest", "Ingest", ":material/upload_file:", "Which files make the collection, and how is it split?"),
    Page("search", "Search", ":material/search:", "What does each student find for a query?"),
    Page("utility", "Utility", ":material/balance:", "Where do teacher and student disagree?"),
    Page("train", "Train", ":material/school:", "Distil a teacher's utilities into a student."),
    Page("students", "Students", ":material/leaderboard:", "Which student is best, and is it better than its base?"),
    Page("diff", "Diff", ":material/compare_arrows:", "Which queries did a student win or lose?"),
    Page("map", "Map", ":material/scatter_plot:", "What lies near what, before and after training?"),
    Page("annotate", "Annotate", ":material/edit_note:", "How useful does a person find the hard cases?"),
)

ENTRY = "streamlit_app.py"
ICON = Path(__file__).with_name("icon.svg")
_run_by_entry: ContextVar[bool] = ContextVar("run_by_entry", default=False)

# What counts as relevant and in means: the choices that every page has in its link, see `counting`.
COUNTED = ("relevance", "without_relevant")


def folder() -> Path:
    """Return the folder that holds `streamlit_app.py` and `pages/`: inside an installed package, or the checkout."""
    package = Path(str(workbench.__file__)).resolve().parent
    installed = package / "dashboard"
    return installed if installed.is_dir() else package.parent


def run_page() -> None:
    """Order the pages and run the one that was asked for: all that the entry file does."""
    # Before the pages are named: Streamlit fetches the icon of a page from a font service on the net to show it in the
    # browser's tab, unless the page has one of its own by then.
    st.set_page_config(page_icon=str(ICON), layout="wide")
    page = _navigation()
    token = _run_by_entry.set(True)
    try:
        page.run()
    finally:
        _run_by_entry.reset(token)


def order_pages() -> None:
    """Order the pages if the entry file has not, and run the one asked for by way of it.

    A server's first visitor may come by a link to a page: Streamlit then runs that file of `pages/` without the entry
    file, and would list the pages by file name. A page shown like that would have other widget identities than in the
    next run, which does go by the entry file, and the visitor's first input would be lost.
    """
    if _run_by_entry.get():
        return
    context = get_script_run_ctx()
    if context and Path(context.main_script_path).name == ENTRY:
        run_page()
        st.stop()
    _navigation()


def switch(name: str, **params: str) -> None:
    """Go to a page, with the choices it is to open with, measuring as this page does."""
    st.switch_page(_streamlit_page(next(page for page in PAGES if page.name == name)), query_params=_with(params))


def link(name: str, label: str, **params: str) -> None:
    """Show a link to a page, with the choices it is to open with, and measuring as this page does."""
    page = next(page for page in PAGES if page.name == name)
    st.page_link(_streamlit_page(page), label=label, icon=page.icon, query_params=_with(params))


def _with(params: dict[str, str]) -> dict[str, str] | None:
    """Return the choices of a link, and what counts as relevant and in means here."""
    counted = {setting: st.query_params[setting] for setting in COUNTED if setting in st.query_params}
    return (counted | params) or None


def _navigation() -> st.Page:
    # Streamlit serves the page at the root there alone: for its own address to work too, it is hung up twice.
    root = st.Page(_file(PAGES[0]), title=PAGES[0].title, url_path="start", default=True, visibility="hidden")
    return st.navigation([root, *map(_streamlit_page, PAGES)])


def _streamlit_page(page: Page) -> st.Page:
    return st.Page(_file(page), title=page.title, icon=page.icon, url_path=page.name)


def _file(page: Page) -> Path:
    return folder() / "pages" / f"{page.name}.py"
