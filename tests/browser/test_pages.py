"""The dashboard in a real browser: every page from a fresh link on a fresh server, and the keys that annotate."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.screenshots import QUIET, browser_path, served, settled
from workbench.store import Store, views

pytestmark = pytest.mark.browser

LINKS = {
    "": "4 queries over 4 passages",
    "utility?student=before&query=q1": "query q1, test split",
    "train": "Start training",
    "students": "Settings to try",
    f"diff?before=before&after=after&query={quote('http://q/2?x=1', safe='')}": "query http://q/2?x=1, test split",
    "annotate?student=after": "Why it is here",
}
# Streamlit looks for its own address below the page's before it finds it; nothing of ours.
THEIRS = "/_stcore/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = browser_path()
    if not path:
        if os.environ.get("CI") == "true":
            pytest.fail("There is no Chromium on this machine, and CI promises to look at the pages with one.")
        pytest.skip("no Chromium or Chrome on this machine")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as play:
        running = play.chromium.launch(executable_path=path, headless=True, args=list(QUIET))
        yield running
        running.close()


class Watched:
    """A browser tab that keeps note of what goes wrong in it, and of requests that leave the machine."""

    def __init__(self, browser: Any) -> None:
        self.page = browser.new_page(viewport={"width": 1440, "height": 1000})
        self.trouble: list[str] = []
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("response", self._answered)
        self.page.on("request", self._asked)

    def open(self, address: str) -> None:
        self.page.goto(address)
        settled(self.page)

    def wait(self, words: str) -> None:
        # A script that has ended is not yet a page that is drawn.
        told = "words => document.body.innerText.replace(/\\s+/g, ' ').includes(words)"
        self.page.wait_for_function(told, arg=words, timeout=15_000)

    def wait_for_link(self, part: str) -> None:
        self.page.wait_for_function("part => location.search.includes(part)", arg=part, timeout=15_000)

    def _answered(self, answer: Any) -> None:
        if answer.status >= 400 and THEIRS not in answer.url:
            self.trouble.append(f"{answer.status} {answer.url}")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            self.trouble.append(f"left the machine: {request.url}")


def test_every_page_opens_from_a_fresh_link(browser: Any, store: Store) -> None:
    with served(store.path) as address:
        for link, words in LINKS.items():
            tab = Watched(browser)
            tab.open(f"{address}/{link}")
            tab.wait(words)
            assert tab.page.locator('[data-testid="stException"]').count() == 0
            rooms = tab.page.locator('[data-testid="stSidebarNavLink"]').all_inner_texts()
            assert [room.split()[-1] for room in rooms] == [
                "Overview",
                "Utility",
                "Train",
                "Students",
                "Diff",
                "Annotate",
            ]
            assert tab.trouble == [], link
            tab.page.close()


def test_the_first_input_on_a_fresh_server_is_not_lost(browser: Any, store: Store) -> None:
    with served(store.path) as address:
        tab = Watched(browser)
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
        kept = views.verdicts(store)[-1]
        assert (kept.verdict, kept.annotator, kept.note) == ("useless", "Ada", "2 of 3")
        settled(tab.page)
        tab.page.keyboard.press("u")
        tab.wait("Taken back")
        *_, withdrawn, stands = views.verdicts(store)
        assert (withdrawn.verdict, stands.verdict, stands.note) == ("withdrawn", "draft", "2 of 3")
        assert tab.trouble == []


def test_a_selected_row_opens_its_query_and_the_link_brings_it_back(browser: Any, store: Store) -> None:
    with served(store.path) as address:
        tab = Watched(browser)
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
        again = Watched(browser)
        again.open(tab.page.url)
        assert again.page.locator(".wb-query").inner_text() == second
        tab.page.keyboard.press("ArrowLeft")
        tab.wait("1 of 2")
        assert tab.trouble + again.trouble == []
