"""Many requests at once from code without an event loop: places, ends, errors, and loops of others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import pytest

from workbench.teachers.endpoint.background import Background

opened: list[str] = []


@asynccontextmanager
async def session() -> AsyncIterator[str]:
    opened.append("open")
    try:
        yield "session"
    finally:
        opened.append("closed")


async def double(_session: str, item: int) -> int:
    await asyncio.sleep(0.001 * (item % 3))
    return 2 * item


def test_every_item_has_its_result_once() -> None:
    opened.clear()
    batches = list(Background(session, double, 7).results(range(100)))
    assert sorted(result for batch in batches for result in batch) == [2 * item for item in range(100)]
    assert opened == ["open", "closed"]
    assert list(Background(session, double, 7).results([])) == []


def test_it_works_where_an_event_loop_runs_already() -> None:
    async def notebook() -> list[int]:
        return sorted(result for batch in Background(session, double, 2).results(range(5)) for result in batch)

    # In a thread of its own: a browser's test leaves its own loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(asyncio.run, notebook()).result() == [0, 2, 4, 6, 8]


def test_no_more_items_are_begun_than_were_kept_and_have_a_place() -> None:
    begun: list[int] = []

    async def ask(_session: str, item: int) -> int:
        begun.append(item)
        return item

    kept = 0
    for batch in Background(session, ask, 3).results(range(50)):
        threading.Event().wait(0.01)  # what is asked meanwhile would be lost with the process
        assert len(begun) <= kept + 3
        kept += len(batch)
    assert kept == 50


def test_an_error_comes_behind_what_was_under_way() -> None:
    begun: list[int] = []

    async def ask(_session: str, item: int) -> int:
        begun.append(item)
        if item == 4:
            raise ValueError("four")
        await asyncio.sleep(0.02)
        return item

    results: list[int] = []
    with pytest.raises(ValueError, match="four"):
        for batch in Background(session, ask, 3).results(range(50)):
            results += batch
    assert sorted([*results, 4]) == sorted(begun)
    assert max(begun) < 8


def test_an_error_of_the_items_themselves_is_raised() -> None:
    def items() -> Any:
        yield 1
        raise KeyError("second")

    with pytest.raises(KeyError, match="second"):
        list(Background(session, double, 2).results(items()))


@pytest.mark.parametrize("before", [0, 1])
def test_who_stops_reading_stops_the_asking(before: int) -> None:
    opened.clear()
    results = Background(session, double, 2).results(range(10_000))
    for _ in range(before):
        next(results)
    results.close()
    assert opened in ([], ["open", "closed"])
    assert not [thread for thread in threading.enumerate() if thread.name == "model server"]
