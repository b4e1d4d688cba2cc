"""A tab of a real browser that is watched for errors."""

from __future__ import annotations

from typing import Any

from tests.screenshots import settled

# Streamlit looks for its own address below the page's before it finds it; nothing of ours.
THEIRS = "/_stcore/"
SIZE = {"width": 1440, "height": 1000}


class Tab:
    """A browser tab that notes what goes wrong in it, and requests that leave the machine.

    In a browser it is alone, as in a fresh one; tabs of one context share the scripts that they have loaded.
    """

    def __init__(self, browser: Any) -> None:
        context = browser.new_context(viewport=SIZE) if hasattr(browser, "new_context") else browser
        self.page = context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("response", self._on_response)
        self.page.on("request", self._on_request)

    def open(self, address: str) -> None:
        self.page.goto(address)
        settled(self.page)

    def wait(self, words: str) -> None:
        # A script that has ended is not yet a page that is drawn.
        shown = "words => document.body.innerText.replace(/\\s+/g, ' ').includes(words)"
        self.page.wait_for_function(shown, arg=words, timeout=60_000)

    def wait_for_link(self, part: str) -> None:
        self.page.wait_for_function("part => location.search.includes(part)", arg=part, timeout=60_000)

    def _on_response(self, response: Any) -> None:
        if response.status >= 400 and THEIRS not in response.url:
            self.errors.append(f"{response.status} {response.url}")

    def _on_request(self, request: Any) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            self.errors.append(f"left the machine: {request.url}")
