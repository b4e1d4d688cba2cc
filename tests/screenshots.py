"""Pictures of every page for the documentation: `python -m tests.screenshots --workspace W --out docs/images`."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.browser.dashboard import free_port, until_up
from workbench.ui.shell.navigation import PAGES

ROOT = Path(__file__).resolve().parent.parent
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)


def browser_path() -> str | None:
    """Return a Chromium or Chrome of this machine."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


@contextmanager
def served(workspace: Path, log: Path = Path(os.devnull)) -> Iterator[str]:
    """Serve the dashboard on a free loopback port for the block, as anybody starts it; yields its address."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", f"--server.port={port}"]
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*command, "--server.fileWatcherType=none"], cwd=ROOT,
            env={**os.environ, "WORKBENCH_WORKSPACE": str(workspace)}, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            until_up(port, server.poll)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()


def settled(page: object, timeout: float = 60_000) -> None:
    """Wait until a page shows its title and runs no more."""
    page.wait_for_selector("h1", timeout=timeout)  # type: ignore[attr-defined]
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=timeout)  # type: ignore[attr-defined]


def main() -> None:
    from playwright.sync_api import ViewportSize, sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--width", type=int, default=1440)
    parser.add_argument("--height", type=int, default=900)
    parser.add_argument("--pages", nargs="*", default=[page.name for page in PAGES])
    parser.add_argument("--themes", nargs="*", default=["light", "dark"])
    parser.add_argument("--query", default="", help="what to add to every address, such as query=ID")
    parser.add_argument("--at", default="", help="the heading that a picture begins with, the page's own if none")
    parser.add_argument("--name", default="", help="of the picture, the page's own if none")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with served(options.workspace) as address, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=browser_path(), headless=True, args=list(QUIET))
        for theme in options.themes:
            size = ViewportSize(width=options.width, height=options.height)
            context = browser.new_context(viewport=size, color_scheme=theme)
            for name in options.pages:
                page = context.new_page()
                # the first page is at the root
                page.goto(f"{address}/{'' if name == PAGES[0].name else name}?{options.query}")
                settled(page)
                # Widgets that the browser has not loaded yet are grey boxes.
                page.wait_for_selector('[data-testid="stSkeleton"]', state="detached")
                page.wait_for_timeout(1_500)  # plots draw after the script has ended
                if options.at:
                    page.get_by_role("heading", name=options.at).evaluate("heading => heading.scrollIntoView()")
                    page.wait_for_timeout(500)
                file = f"{options.name or name}{'' if theme == 'light' else '-dark'}.png"
                page.screenshot(path=str(options.out / file))
                page.close()
        browser.close()


if __name__ == "__main__":
    main()
