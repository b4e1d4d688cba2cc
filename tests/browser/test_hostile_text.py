"""Hostile texts and names in a real browser: nothing runs, nothing is fetched, and all is there as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.browser.dashboard import served
from tests.browser.tab import Tab
from tests.hostile import ANNOTATORS, BASE, DIRECTIVES, MARKUP, STUDENT, TEACHER, hostile, query_id
from tests.profiles import ONLY_IN_A_SOAK
from tests.workspaces import copy_of
from workbench.ui.shell.navigation import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PARAMS = {"teacher": TEACHER, "before": BASE, "after": STUDENT, "student": STUDENT, "annotator": ANNOTATORS[0],
          "students": "bm25"}  # fmt: skip
# What foreign text would become if it were read as markup, Markdown, a directive or a formula.
BECOME = (
    ":is(img[src='x'], img[src^='http'], .katex, .stMarkdownBadge, [href^='javascript'], [onerror], "
    "[data-testid='stAlert'], .stMain del)"
)
# What is written of a page, folded or not, and in its tables, which are canvases with a table inside for readers.
WRITTEN = "document.querySelector('.stMain').textContent"
SHOWN = {
    "overview": (BASE, STUDENT, TEACHER, MARKUP[:60]),
    "search": (DIRECTIVES, query_id(DIRECTIVES)),
    "utility": (DIRECTIVES, MARKUP, TEACHER, STUDENT),
    "train": (STUDENT, TEACHER),
    "students": (STUDENT, BASE),
    "diff": (DIRECTIVES, MARKUP, STUDENT, BASE),
    "annotate": (MARKUP, STUDENT),
}


@ONLY_IN_A_SOAK
def test_hostile_text_is_shown_as_text_on_every_page(context: Any, tmp_path: Path) -> None:
    with served(copy_of(hostile, tmp_path / "a workspace").path) as address:
        for name in (page.name for page in PAGES):
            tab, dialogs = Tab(context), []
            tab.page.on("dialog", lambda dialog, dialogs=dialogs: (dialogs.append(dialog.message), dialog.dismiss()))
            chosen = {**PARAMS, "query": query_id(DIRECTIVES)} if name in ("search", "utility", "diff") else PARAMS
            tab.open(f"{address}/{name}?{urlencode(chosen)}")
            tab.page.wait_for_selector('[data-testid="stSkeleton"]', state="detached")
            for text in SHOWN.get(name, ()):
                tab.page.wait_for_function(f"text => {WRITTEN}.includes(text)", arg=text, timeout=30_000)
            assert tab.page.locator(BECOME).count() == 0, name
            assert tab.page.evaluate("window.hacked") is None, name
            assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
            assert (dialogs, tab.errors) == ([], []), name
            tab.page.close()
