"""The dashboard in a real browser: every page from a fresh link, chosen rows, and the keys that annotate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.browser.tab import Tab
from tests.conftest import toy
from tests.screenshots import served, settled
from tests.workspaces import copy_of
from workbench.store import Store, views
from workbench.ui.shell.navigation import PAGES

pytestmark = pytest.mark.browser

LINKS = {
    "": "4 queries over 4 passages",
    "overview": "4 queries over 4 passages",
    "ingest": "Nothing is written before you say so",
    "utility?student=before&query=q1": "query q1, test split",
    "train": "Start training",
    "students": "Settings to try",
    f"diff?before=before&after=after&query={quote('http://q/2?x=1', safe='')}": "query http://q/2?x=1, test split",
    "annotate?student=after": "Why it is here",
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the toy workspace to the tests that only look."""
    store = copy_of(toy, tmp_path_factory.mktemp("served") / "a workspace")
    with served(store.path) as url:
        yield url


def test_every_page_opens_from_a_fresh_link(browser: Any, address: str) -> None:
    for link, words in LINKS.items():
        tab = Tab(browser)
        tab.open(f"{address}/{link}")
        tab.wait(words)
        assert tab.page.locator('[data-testid="stException"]').count() == 0
        titles = tab.page.locator('[data-testid="stSidebarNavLink"]').all_inner_texts()
        assert [title.split()[-1] for title in titles] == [page.title for page in PAGES]
        assert tab.errors == [], link
        tab.page.close()


def test_the_first_input_on_a_fresh_server_is_not_lost(browser: Any, store: Store) -> None:
    with served(store.path) as address:
        tab = Tab(browser)
        tab.open(f"{address}/annotate?student=after")
        tab.page.get_by_role("textbox", name="Your name").fill("Ada")
        tab.page.keyboard.press("Enter")
        tab.wait_for_link("annotator=Ada")
        tab.wait("You judge as Ada")
        settled(tab.page)
        # Digits in a text field are text; outside of it they are verdicts.
        note = tab.page.get_by_role("textbox", name="Note")
        note.fill("2 of 3")
        note.press("Enter")
        tab.wait("Kept: note")
        settled(tab.page)
        (draft,) = views.verdicts(store)
        assert (draft.verdict, draft.annotator) == ("draft", "Ada")
        tab.page.locator("h1").click()
        tab.page.keyboard.press("0")
        tab.wait("Kept: useless")
        last = views.verdicts(store)[-1]
        assert (last.verdict, last.annotator, last.note) == ("useless", "Ada", "2 of 3")
        settled(tab.page)
        tab.page.keyboard.press("u")
        tab.wait("Taken back")
        *_, withdrawn, stands = views.verdicts(store)
        assert (withdrawn.verdict, stands.verdict, stands.note) == ("withdrawn", "draft", "2 of 3")
        assert tab.errors == []


def test_a_selected_row_opens_its_query_and_the_link_brings_it_back(browser: Any, address: str) -> None:
    tab = Tab(browser)
    tab.open(f"{address}/diff?before=before&after=after")
    first = tab.page.locator(".wb-query").inner_text()
    table = tab.page.locator('[data-testid="stDataFrame"]').last
    table.locator("canvas").first.wait_for()
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    tab.page.mouse.click(box["x"] + 15, box["y"] + 35 * 2 + 18)
    tab.wait_for_link("query=")
    settled(tab.page)
    second = tab.page.locator(".wb-query").inner_text()
    assert second != first
    again = Tab(browser)
    again.open(tab.page.url)
    assert again.page.locator(".wb-query").inner_text() == second
    tab.page.keyboard.press("ArrowLeft")
    tab.wait("1 of 2")
    assert tab.errors + again.errors == []
