"""A tab of a real browser that is watched for errors."""

from __future__ import annotations

from typing import Any

from tests.screenshots import settled

# Streamlit looks for its own address below the page's before it finds it; nothing of ours.
THEIRS = "/_stcore/"
SIZE = {"width": 1440, "height": 1000}
ROW_HEIGHT = 35  # of a table, in pixels; its first row is the header
# Where in the window the first mark of a trace is drawn, of the figure that has `part` in its description.
MARK = """
([part, trace]) => {
    const chart = document.querySelector(`.stPlotlyChart[aria-label*="${part}"]`);
    const drawn = chart.querySelector('.js-plotly-plot'), layout = drawn._fullLayout;
    // Numbers may come as bytes, which are read in `_fullData` alone.
    const marks = Array.isArray(drawn.data[trace].x) ? drawn.data[trace] : drawn._fullData[trace];
    chart.scrollIntoView({block: 'center'});
    const box = drawn.getBoundingClientRect();
    return [box.x + layout.xaxis._offset + layout.xaxis.d2p(marks.x[0]),
            box.y + layout.yaxis._offset + layout.yaxis.d2p(marks.type === 'bar' ? marks.y[0] / 2 : marks.y[0])];
}
"""


class Tab:
    """A browser tab that notes what goes wrong in it, and requests that leave the machine.

    In a browser it is alone, as in a fresh one; tabs of one context share the scripts that they have loaded.
    """

    patience = 60_000  # milliseconds

    def __init__(self, browser: Any) -> None:
        context = browser.new_context(viewport=SIZE) if hasattr(browser, "new_context") else browser
        self.page = context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("response", self._on_response)
        self.page.on("request", self._on_request)

    def open(self, address: str) -> None:
        self.page.goto(address)
        self.settle()

    def settle(self) -> None:
        """Wait until the page runs no more."""
        settled(self.page, self.patience)

    def wait(self, words: str) -> None:
        # A script that has ended is not yet a page that is drawn.
        shown = "words => document.body.innerText.replace(/\\s+/g, ' ').includes(words)"
        self.page.wait_for_function(shown, arg=words, timeout=self.patience)

    def wait_for_link(self, part: str) -> None:
        self.page.wait_for_function("part => location.search.includes(part)", arg=part, timeout=self.patience)

    def click_mark(self, part: str, trace: int) -> None:
        """Click on the first mark of a trace, of the figure that has `part` in its description."""
        self.page.mouse.click(*self._mark(part, trace))

    def tap_mark(self, part: str, trace: int) -> None:
        """Tap with a finger on the first mark of a trace, of the figure that has `part` in its description."""
        self.page.touchscreen.tap(*self._mark(part, trace))

    def swiped_from_mark(self, part: str, trace: int) -> int:
        """Draw a finger up from a figure's mark; return by how many pixels that scrolls the page."""
        x, y = self._mark(part, trace)
        scrolled = "document.querySelector('[data-testid=stMain]').scrollTop"
        before = self.page.evaluate(scrolled)
        touch = self.page.context.new_cdp_session(self.page)
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for reach in range(20, 220, 20):
            points = [{"x": x, "y": y - reach}]
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": points})
            self.page.wait_for_timeout(20)
        self.page.wait_for_timeout(300)  # a finger that is lifted at rest throws nothing, which a tap would only stop
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        return int(self.page.evaluate(scrolled) - before)

    def draw_box(self, part: str, trace: int, reach: int) -> None:
        """Draw a box that reaches `reach` pixels to every side of a figure's mark."""
        self._mark(part, trace)
        figure = self.page.locator(f'.stPlotlyChart[aria-label*="{part}"]')
        figure.hover()
        figure.locator('.modebar-btn[data-title="Box Select"]').click()
        x, y = self._mark(part, trace)
        self.page.mouse.move(x - reach, y - reach)
        self.page.mouse.down()
        self.page.mouse.move(x + reach, y + reach, steps=5)
        self.page.mouse.up()

    def open_second_row(self) -> None:
        """Select the second row of the page's last table, which is drawn on a canvas."""
        self.settle()
        table = self.page.locator('[data-testid="stDataFrame"]').last
        table.locator("canvas").first.wait_for(timeout=self.patience)
        table.scroll_into_view_if_needed()
        box = table.bounding_box()
        self.page.mouse.click(box["x"] + 15, box["y"] + 2.5 * ROW_HEIGHT)
        self.wait_for_link("query=")

    def _mark(self, part: str, trace: int) -> tuple[float, float]:
        """Scroll to a figure and return where its mark is."""
        drawn = f'.stPlotlyChart[aria-label*="{part}"] .js-plotly-plot .main-svg'
        self.page.wait_for_selector(drawn, timeout=self.patience)
        self.settle()
        self.page.evaluate(MARK, [part, trace])
        self.settle()
        return tuple(self.page.evaluate(MARK, [part, trace]))

    def _on_response(self, response: Any) -> None:
        if response.status >= 400 and THEIRS not in response.url:
            self.errors.append(f"{response.status} {response.url}")

    def _on_request(self, request: Any) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            self.errors.append(f"left the machine: {request.url}")
