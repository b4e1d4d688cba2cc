"""Every page in a real browser, as Markdown: seconds of its first render and of what people click most, bytes, memory.

    python -m tests.benchmarks.pages WORKSPACE ... [--repeat N] [--only PAGE]

A workspace is served twice. By the first server every page is opened once, and then as the first visitor after each
change of `tests.benchmarks.changes` has it. To the second one each page is new, though its answers are kept: that is
every later server's first visitor; then it is opened, and clicked, `repeat` times. Seconds end when the browser has the
last of the page's run; in brackets are those of the processor that the server took of them. Bytes are those of the
page's own connection, in one click or render at most; Streamlit's scripts, which the browser keeps, are not among them.

A verdict is given as often as the page Annotate is measured: name a copy.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.benchmarks.changes import CHANGES
from tests.benchmarks.machine import description
from tests.screenshots import QUIET, browser_path, served
from workbench.store import Store
from workbench.ui.shell.navigation import PAGES

PATIENCE = 120_000  # milliseconds
DRAWN = 1_000  # milliseconds after a run in which the browser draws, and begins to listen to keys
# Counts the runs of the script that have ended, and knows when the last one did.
_WATCH = """
    window.ended = 0;
    const name = 'data-test-script-state';
    new MutationObserver(changes => {
        const state = document.querySelector('[data-testid="stApp"]')?.getAttribute(name);
        const changed = changes.some(one => one.attributeName === name);
        if (changed && state === 'notRunning' && document.querySelector('h1')) window.ended += 1;
    }).observe(document, {subtree: true, childList: true, attributes: true, attributeFilter: [name]});
"""
Click = Callable[[Any], None]


def _next(page: Any) -> None:
    page.locator("h1").click()  # so that no field has the focus
    page.keyboard.press("ArrowRight")


def _option(part: str) -> Click:
    """Choose the option of a row of options whose label begins so."""
    return lambda page: page.locator(f'[data-testid="stMain"] button:has-text("{part}")').first.click(timeout=PATIENCE)


def _slide(page: Any) -> None:
    slider = page.get_by_role("slider").first
    slider.focus()
    slider.press("ArrowLeft" if int(slider.get_attribute("aria-valuenow") or 0) > 4 else "ArrowRight")


def _judge(page: Any) -> None:
    page.keyboard.press("2")
    page.keyboard.press("Enter")


# In turn: a row of two options goes to and fro.
CLICKS: dict[str, dict[str, tuple[Click, ...]]] = {
    "diff": {"next query": (_next,), "filter": (_option("worse"), _option("better"))},
    "utility": {
        "next query": (_next,),
        "quadrant": (_option("Helps, far"), _option("All queries")),
        "temperature": (_slide,),
    },
    "annotate": {"verdict": (_judge,), "rule": (_option("useless but near"), _option("all rules"))},
}


class Taken(NamedTuple):
    """Seconds of each repetition, on the clock and of the server's processor, and the most bytes that one brought."""

    seconds: tuple[float, ...]
    processor: tuple[float, ...]
    size: int

    @property
    def once(self) -> str:
        """Return the first repetition's seconds."""
        return f"{self.seconds[0]:.2f} s ({self.processor[0]:.1f})"

    def __str__(self) -> str:
        median, processor = statistics.median(self.seconds), statistics.median(self.processor)
        return f"{median:.2f} s ({processor:.1f}) | {max(self.seconds):.2f} s | {self.size / 1e6:.2f} MB"


class Visitor:
    """A browser tab on one page of a server, whose renders are timed."""

    def __init__(self, browser: Any, address: str) -> None:
        self.tab = browser.new_page(viewport={"width": 1440, "height": 900})
        self.tab.add_init_script(_WATCH)
        self.tab.on("websocket", lambda socket: socket.on("framereceived", self._on_frame))
        self.address, self.size = address, 0

    def _on_frame(self, frame: bytes | str) -> None:
        self.size += len(frame)

    def open(self) -> Taken:
        """Open the page, and wait until it is there."""
        return self._timed(lambda: self.tab.goto(self.address), ended=0)

    def click(self, clicks: tuple[Click, ...], repeat: int) -> Taken:
        """Click so many times, and wait after each until the page is there again."""
        every = [self._timed(lambda at=at: clicks[at % len(clicks)](self.tab)) for at in range(repeat)]  # type: ignore[misc]
        return merged(every)

    def _timed(self, act: Callable[[], object], ended: int | None = None) -> Taken:
        if ended is None:
            self.tab.wait_for_timeout(DRAWN)
        before = self.tab.evaluate("window.ended") if ended is None else ended
        self.size, busy, started = 0, server_seconds(), time.perf_counter()
        act()
        self.tab.wait_for_function("before => window.ended > before", arg=before, timeout=PATIENCE, polling=20)
        return Taken((time.perf_counter() - started,), (server_seconds() - busy,), self.size)


def merged(every: list[Taken]) -> Taken:
    """Return repetitions as one row."""
    return Taken(
        tuple(seconds for one in every for seconds in one.seconds),
        tuple(seconds for one in every for seconds in one.processor),
        max(one.size for one in every),
    )


def measured(browser: Any, workspace: Path, only: str, repeat: int) -> None:
    """Print a row for each page and click, and the server's memory."""
    pages = [page.name for page in PAGES if only in page.name]
    with served(workspace) as address:
        changed = {page: _after_changes(browser, workspace, f"{address}/{page}") for page in pages}
        peaks = [server_memory()]
    with served(workspace) as address:
        for page in pages:
            tab = Visitor(browser, f"{address}/{page}?annotator=benchmark")
            first = tab.open()
            again = merged([tab.open() for _ in range(repeat)])
            start = f"| {page} | {workspace.name}"
            print(f"{start} | open | {' | '.join(changed[page])} | {first.once} | {again} |", flush=True)
            for name, clicks in CLICKS.get(page, {}).items():
                print(f"{start} | {name} {'| ' * len(CHANGES)}| | {tab.click(clicks, repeat)} |", flush=True)
            tab.tab.close()
        peaks.append(server_memory())
    memory = f"peak memory {peaks[0]:.2f} GB with changes, {peaks[1]:.2f} GB without"
    print(f"| server | {workspace.name} | {memory} {'| ' * (len(CHANGES) + 4)}|", flush=True)


def _after_changes(browser: Any, workspace: Path, address: str) -> list[str]:
    """Return what the first visitor of a page waits for after each change."""
    tab, seconds = Visitor(browser, f"{address}?annotator=benchmark"), []
    tab.open()
    for change in CHANGES.values():
        change(Store(workspace))
        seconds.append(tab.open().once)
    tab.tab.close()
    return seconds


def _servers() -> Iterator[Path]:
    """Yield the folder in /proc of each server that this process has started."""
    children = {child for tasks in Path("/proc/self/task").glob("*/children") for child in tasks.read_text().split()}
    for child in children:
        process = Path("/proc") / child
        if "streamlit" in (process / "cmdline").read_text():
            yield process


def server_seconds() -> float:
    """Return the seconds of the processor that the server of this process has taken."""
    ticks = [(process / "stat").read_text().rpartition(")")[2].split()[11:13] for process in _servers()]
    return sum(int(number) for both in ticks for number in both) / os.sysconf("SC_CLK_TCK")


def server_memory() -> float:
    """Return the most memory that a server which this process has started ever had, in GB."""
    peaks = [0.0]
    for process in _servers():
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        peaks.append(int(status["VmHWM"].split()[0]) * 1024 / 1e9)
    return max(peaks)


def main(workspaces: list[Path], only: str, repeat: int) -> None:
    """Print a table of what each page takes on each workspace."""
    from playwright.sync_api import sync_playwright

    print(description())
    after = [f"after {name}" for name in CHANGES]
    print(f"| page | workspace | | {' | '.join(after)} | new server | median | worst | most bytes |")
    print(f"|---|---|---|{'---:|' * (len(after) + 4)}")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=browser_path(), headless=True, args=list(QUIET))
        for workspace in workspaces:
            measured(browser, workspace.resolve(), only, repeat)
        browser.close()
    print(f"load at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("workspaces", type=Path, nargs="+", metavar="WORKSPACE")
    parser.add_argument("--only", default="", metavar="PAGE", help="only pages whose name has this part")
    parser.add_argument("--repeat", type=int, default=10, help="how often each page and click is measured")
    main(**vars(parser.parse_args()))
