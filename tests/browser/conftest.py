"""One Chromium for all tests of a session; what a test changes, it changes in a workspace of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.annotator import Annotator
from tests.browser.tab import SIZE
from tests.screenshots import QUIET, browser_path


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    path = browser_path()
    if not path:
        if os.environ.get("CI") == "true":
            pytest.fail("There is no Chromium on this machine, and CI promises to look at the pages with one.")
        pytest.skip("no Chromium or Chrome on this machine")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as play:
        launched = play.chromium.launch(executable_path=path, headless=True, args=list(QUIET))
        yield launched
        launched.close()


@pytest.fixture
def browser(chromium: Any) -> Iterator[Any]:
    """Return the browser; its tabs are closed after a test, for a page without a server tries to find it for ever."""
    yield chromium
    for context in chromium.contexts:
        context.close()


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    """Return what the tabs of one person have in common, such as the scripts that were loaded."""
    with browser.new_context(viewport=SIZE) as shared:
        yield shared


@pytest.fixture
def annotator(browser: Any) -> Annotator:
    """Return a tab to judge in."""
    return Annotator(browser)
