"""The dashboard in a real browser: every page from a fresh link, chosen rows, and the keys that annotate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests import screenshots
from tests.browser.accessibility import violations
from tests.browser.dashboard import served
from tests.browser.tab import Tab
from tests.conftest import nothing, run, toy
from tests.profiles import ONLY_IN_A_SOAK
from tests.steps import classes
from tests.workspaces import copy_of
from workbench.steps.compare.projection.project import project
from workbench.store import Store, views
from workbench.ui.shell.navigation import PAGES

pytestmark = pytest.mark.browser

LINKS = {
    "": "4 queries over 4 passages",
    "overview": "4 queries over 4 passages",
    "ingest": "Nothing is written before you say so",
    "utility?student=before&query=q1": "query q1, test split",
    "search": "Type a query and press Enter",
    "train": "Start training",
    "students": "Settings to try",
    f"diff?before=before&after=after&query={quote('http://q/2?x=1', safe='')}": "query http://q/2?x=1, test split",
    "map": "has no map of the 4 queries",
    "annotate?student=after": "Why it is here",
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the toy workspace to the tests that only look."""
    store = copy_of(toy, tmp_path_factory.mktemp("served") / "a workspace")
    with served(store.path) as url:
        yield url


def test_every_page_opens_from_a_fresh_link_and_can_be_read_by_all(context: Any, address: str) -> None:
    for link, words in LINKS.items():
        tab = Tab(context)
        tab.open(f"{address}/{link}")
        tab.wait(words)
        assert tab.page.locator('[data-testid="stException"]').count() == 0
        titles = tab.page.locator('[data-testid="stSidebarNavLink"]').all_inner_texts()
        assert [title.split()[-1] for title in titles] == [page.title for page in PAGES]
        if link:  # without one it is the overview, which is looked at too
            assert violations(tab.page) == [], link
        assert tab.errors == [], link
        tab.page.close()


@ONLY_IN_A_SOAK
def test_every_page_of_an_empty_workspace_can_be_read_by_all(context: Any, tmp_path: Path) -> None:
    with served(copy_of(nothing, tmp_path / "a workspace").path) as address:
        for page in PAGES:
            tab = Tab(context)
            tab.open(f"{address}/{page.name}")
            assert violations(tab.page) == [], page.name
            tab.page.close()


def test_the_first_input_on_a_fresh_server_is_not_lost(browser: Any, store: Store) -> None:
    with screenshots.served(store.path) as address:
        tab = Tab(browser)
        tab.open(f"{address}/annotate?student=after")
        tab.page.get_by_role("textbox", name="Your name").fill("Ada")
        tab.page.keyboard.press("Enter")
        tab.wait_for_link("annotator=Ada")
        tab.wait("You judge as Ada")
        tab.settle()
        # Digits in a text field are text; outside of it they are verdicts.
        note = tab.page.get_by_role("textbox", name="Note")
        note.fill("2 of 3")
        note.press("Enter")
        tab.wait("Kept: note")
        tab.settle()
        (draft,) = views.verdicts(store)
        assert (draft.verdict, draft.annotator) == ("draft", "Ada")
        tab.page.locator("h1").click()
        tab.page.keyboard.press("0")
        tab.wait("Kept: useless")
        last = views.verdicts(store)[-1]
        assert (last.verdict, last.annotator, last.note) == ("useless", "Ada", "2 of 3")
        tab.settle()
        tab.page.keyboard.press("u")
        tab.wait("Taken back")
        *_, withdrawn, stands = views.verdicts(store)
        assert (withdrawn.verdict, stands.verdict, stands.note) == ("withdrawn", "draft", "2 of 3")
        assert tab.errors == []


def test_a_cell_and_a_box_of_the_density_keep_the_queries_there(browser: Any, address: str) -> None:
    tab = Tab(browser)
    tab.open(f"{address}/utility?student=before")
    tab.wait("1 of 2")
    tab.click_mark("Similarity against utility", 1)
    tab.wait_for_link("region=")
    tab.wait("1 query with 1 pair of similarity")
    again = Tab(browser)
    again.open(tab.page.url)
    again.wait("1 query with 1 pair of similarity")
    again.page.get_by_role("button", name="All regions").click()
    again.wait("1 of 2")
    again.draw_box("Similarity against utility", 1, 12)
    again.wait_for_link("region=")
    again.wait("of similarity")
    assert tab.errors + again.errors == []


@pytest.mark.parametrize("link", ["diff?before=before&after=after", "utility?student=before&figure=scatter"])
def test_a_mark_of_a_figure_opens_its_query(browser: Any, address: str, link: str) -> None:
    tab = Tab(browser)
    tab.open(f"{address}/{link}")
    tab.wait("1 of 2")
    tab.click_mark("opens it below", 0)
    tab.wait_for_link("query=")
    assert tab.errors == []


def test_a_finger_scrolls_the_page_from_a_figure_and_a_tap_opens_a_query(browser: Any, address: str) -> None:
    with browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True) as phone:
        tab = Tab(phone)
        tab.open(f"{address}/diff?before=before&after=after")
        tab.wait("1 of 2")
        assert tab.swiped_from_mark("opens it below", 0) > 100
        tab.tap_mark("opens it below", 0)
        tab.wait_for_link("query=")
        assert tab.errors == []


def test_a_selected_row_opens_its_query_and_the_link_brings_it_back(browser: Any, address: str) -> None:
    tab = Tab(browser)
    tab.open(f"{address}/diff?before=before&after=after")
    first = tab.page.locator(".wb-query").inner_text()
    tab.open_second_row()
    tab.settle()
    second = tab.page.locator(".wb-query").inner_text()
    assert second != first
    again = Tab(browser)
    again.open(tab.page.url)
    assert again.page.locator(".wb-query").inner_text() == second
    tab.page.keyboard.press("ArrowLeft")
    tab.wait("1 of 2")
    assert tab.errors + again.errors == []


def test_a_box_drawn_on_the_map_lists_its_texts_and_a_click_opens_a_query(browser: Any, tmp_path: Path) -> None:
    store, base = classes.collection(tmp_path / "workspace"), classes.base(tmp_path / "base")
    store.add_run(run(base), [])
    project(store, base)
    with served(store.path) as address:
        tab = Tab(browser)
        tab.open(f"{address}/map?student={quote(base, safe='')}&before=none")
        tab.click_mark("two dimensions", 1)
        tab.wait_for_link("query=")
        tab.wait("The opened query")
        tab.draw_box("two dimensions", 1, 15)
        tab.wait_for_link("area=")
        tab.wait("lie in it")
        again = Tab(browser)
        again.open(tab.page.url)
        again.wait("lie in it")
        assert tab.errors + again.errors == []
