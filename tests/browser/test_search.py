"""The page Search by keys and clicks: type, Enter, rankings side by side, and a kept query that opens in Annotate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from tests.browser.dashboard import served
from tests.browser.tab import Tab
from tests.steps.classes import base, collection
from workbench.store import views

pytestmark = [pytest.mark.browser, pytest.mark.slow]
COLUMNS = "document.querySelectorAll('.wb-column').length"


def test_type_enter_keep_and_annotate(browser: Any, tmp_path: Path) -> None:
    store, student = collection(tmp_path / "ws"), base(tmp_path / "base")
    for name in ("bm25", student):
        wb.evaluate(store, name)
    with served(store.path) as address:
        tab = Tab(browser)
        tab.open(f"{address}/search")
        tab.page.get_by_role("textbox", name="Query", exact=True).fill("Where is answer3?")
        tab.page.keyboard.press("Enter")
        tab.page.wait_for_function(f"{COLUMNS} === 2", timeout=120_000)  # torch is loaded for the first query
        tab.wait_for_link("q=Where")
        tab.settle()
        again = Tab(browser)
        again.open(tab.page.url)
        again.page.wait_for_function(f"{COLUMNS} === 2", timeout=60_000)
        assert again.errors == []
        again.page.close()
        tab.page.get_by_role("button", name="Keep it as a query to annotate").click()
        tab.page.wait_for_function("location.pathname.endsWith('/annotate')", timeout=60_000)
        tab.wait("Why it is here")
        tab.wait("Where is answer3?")
        assert tab.errors == []
    (query,) = views.queries(store, "")
    assert query.text == "Where is answer3?"
