"""Keys at speed against a slow server, a locked database and a cut connection: every verdict is kept, on its case."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tests.browser.annotator import Annotator, Pair, many_cases
from tests.browser.dashboard import served
from tests.conftest import run, utility
from tests.profiles import ONLY_IN_A_SOAK
from workbench.records import Hit, Passage, Query
from workbench.store import Store, views

pytestmark = pytest.mark.browser

GRADES = "3210"
# How long the page takes from the key to the next case, as the browser measures it.
MEASURED = """
    window.answered = [];
    addEventListener("keydown", (event) => { window.pressed = event.timeStamp; }, true);
    addEventListener("keydown", () => window.answered.push(performance.now() - window.pressed));
"""


class Line:
    """The connection between page and server, which can be cut."""

    def __init__(self, page: Any) -> None:
        self.sockets: list[Any] = []
        self.down = False
        page.route_web_socket("**/_stcore/stream", self._open)

    def _open(self, socket: Any) -> None:
        if self.down:
            socket.close()
            return
        server = socket.connect_to_server()
        socket.on_message(lambda message: None if self.down else server.send(message))
        server.on_message(lambda message: None if self.down else socket.send(message))
        self.sockets.append(socket)

    def cut(self) -> None:
        self.down = True
        self.sockets[-1].close()

    def mend(self) -> None:
        self.down = False


def locked(store: Store, seconds: float) -> threading.Thread:
    """Hold the database for a while, from this process, as a long ingest would."""

    def hold() -> None:
        with store.write():
            time.sleep(seconds)

    holder = threading.Thread(target=hold)
    holder.start()
    return holder


@pytest.mark.parametrize("count", [30, pytest.param(200, marks=ONLY_IN_A_SOAK)])
def test_each_key_at_speed_is_a_row_on_the_case_that_was_seen(annotator: Annotator, tmp_path: Path, count: int) -> None:
    store = many_cases(tmp_path / "w")
    expected: list[tuple[Pair | None, int]] = []
    with served(store.path, slower=2.0) as address:
        tab = annotator
        line = Line(tab.page)
        tab.start(address, "Ada", advance="true")
        tab.page.evaluate(MEASURED)
        due, waited = time.monotonic(), 0
        for number in range(count):
            if not tab.on_screen():  # nobody judges an empty screen
                waited += 1
                tab.page.wait_for_function("document.querySelector('.annotate').dataset.case", timeout=60_000)
            grade = GRADES[number % len(GRADES)]
            expected.append((tab.on_screen(), int(grade)))
            tab.press(grade)
            if number == count // 5:
                holder = locked(store, 5)
            if number == count // 2:
                line.cut()
            if number == count // 2 + 10:
                line.mend()
            due += 0.2
            tab.page.wait_for_timeout(max(1, 1_000 * (due - time.monotonic())))
        holder.join()
        tab.all_kept(seconds=120)
        answered = tab.page.evaluate("window.answered")
        assert [error for error in tab.errors if "WebSocket" not in error] == []
    rows = [((row.query_id, row.passage_id), row.grade) for row in views.verdicts(store)]
    assert rows == expected
    assert len(rows) == count == len(answered)
    print(f"{count} keys: {median(answered):.1f} ms at the median, {max(answered):.1f} ms at most; {waited} waits")
    assert median(answered) < 50


def test_what_is_not_sent_warns_before_the_tab_closes_and_survives_a_reload(
    annotator: Annotator, tmp_path: Path
) -> None:
    store = many_cases(tmp_path / "w", queries=3)
    dialogs: list[str] = []
    with served(store.path) as address:
        tab = annotator
        tab.page.on("dialog", lambda dialog: (dialogs.append(dialog.type), dialog.accept()))
        tab.start(address, "Ada", advance="true")
        first = tab.on_screen()
        holder = locked(store, 6)
        for key in "3", "0":
            tab.press(key)
        tab.wait("not kept yet")
        tab.reload()
        tab.all_kept()
        tab.wait("2 of 9 judged by you")
        tab.reload()
        holder.join()
    assert dialogs == ["beforeunload"]
    rows = views.verdicts(store)
    assert [row.grade for row in rows] == [3, 0]
    assert rows[0][:2] == first


def test_what_the_store_refuses_is_said_and_the_next_verdict_is_kept(annotator: Annotator, tmp_path: Path) -> None:
    store = many_cases(tmp_path / "w", queries=2)
    with served(store.path) as address:
        tab = annotator
        tab.start(address, "Ada")
        tab.press("u", until="There is no verdict of Ada left to take back")
        tab.press("3", until="Kept: answers it")
        assert not tab.shows("was not kept")
    assert len(views.verdicts(store)) == 1


HOSTILE = (
    '<img src=x onerror="window.hacked = 1"><script>window.hacked = 1</script>',
    "$\\frac{a}{b}$ **bold** :red[x] ![](http://x) [a](javascript:b)",
    "tab\tnull\u0000bell\u0007escape\u001b[31m line\u2028sep",
    "\u202egnp.txt\u202c مرحبا بالعالم \u2067rtl\u2069",
    "x" * 100_000,
    "",
)


def test_hostile_text_is_shown_as_text(annotator: Annotator, tmp_path: Path) -> None:
    store = many_cases(tmp_path / "w", queries=0)
    asked = [Query(f"q {text[:20]}", text or "?", (text[:50],) if text else (), "test") for text in HOSTILE]
    passages = [Passage(f"p {text[:20]}", text or "only a title", text) for text in HOSTILE]
    store.add_collection(asked, passages)
    pairs = [(query.query_id, passage.passage_id) for query, passage in zip(asked, passages, strict=True)]
    store.add_scored([utility(*pair, -1.0) for pair in pairs], "nats per token")
    store.add_run(run("poor"), [Hit("poor@test", *pair, 1, 0.5) for pair in pairs])
    texts = {pair: (query.text, passage.text) for pair, query, passage in zip(pairs, asked, passages, strict=True)}
    with served(store.path) as address:
        tab = annotator
        tab.start(address, "Ada", advance="true")
        for _ in pairs:
            query, text = texts[tab.on_screen()]
            assert tab.page.locator(".annotate .wb-query").evaluate("one => one.textContent") == query
            assert tab.page.locator(".annotate .annotate-text").evaluate("one => one.textContent") == text
            foreign = "document.querySelectorAll('.annotate :is(img, script, a, strong, em, .katex)').length"
            assert tab.page.evaluate(foreign) == 0
            width = "document.documentElement.scrollWidth <= innerWidth"
            assert tab.page.evaluate(width), "a long word does not widen the page"
            tab.press("0")
        tab.all_kept()
        assert tab.page.evaluate("window.hacked") is None
        assert tab.errors == []
    assert {row[:2] for row in views.verdicts(store)} == set(pairs)
