"""Many requests at once, from code that knows no event loop: in a thread with a loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

Session = TypeVar("Session")
Item = TypeVar("Item")
Result = TypeVar("Result")


class Background(Generic[Session, Item, Result]):
    """Asks for a result of each item; a notebook's own event loop is not in its way.

    At most `concurrency` items are under way or not yet kept: the place of a result is free when the next ones are
    asked for, so that a process that is killed loses no more than that. `ask` returns a result, or raises what ends
    everything: then no item is begun any more, those under way are waited for, and it is raised behind the last result.
    """

    def __init__(
        self,
        session: Callable[[], AbstractAsyncContextManager[Session]],
        ask: Callable[[Session, Item], Awaitable[Result]],
        concurrency: int,
    ) -> None:
        self._session = session
        self._ask = ask
        self._concurrency = concurrency

    def results(self, items: Iterable[Item]) -> Iterator[list[Result]]:
        """Yield results as they come, those together that are there at once; a Ctrl-C after those that are there."""
        finished: SimpleQueue[Result | _End] = SimpleQueue()
        places = asyncio.Semaphore(self._concurrency)
        thread = _Thread(lambda: self._run(items, places, finished.put), finished.put)
        thread.start()
        try:
            end = None
            while end is None:
                interrupt: KeyboardInterrupt | None = None
                try:
                    rows = [finished.get()]
                except KeyboardInterrupt as error:
                    rows, interrupt = [], error
                rows += _all_there(finished)
                end = next((row for row in rows if isinstance(row, _End)), None)
                if batch := [row for row in rows if not isinstance(row, _End)]:
                    yield batch
                    thread.call(places.release, times=len(batch))
                if interrupt is not None:
                    raise interrupt
            if end.error is not None:
                raise end.error
        finally:
            thread.cancel()

    async def _run(self, items: Iterable[Item], places: asyncio.Semaphore, put: Callable[[Result], None]) -> None:
        problems: list[BaseException] = []
        running: set[asyncio.Task[None]] = set()
        async with self._session() as session:

            async def one(item: Item) -> None:
                try:
                    put(await self._ask(session, item))
                except Exception as error:  # whatever it is ends everything, and is raised where the results are read
                    problems.append(error)
                    places.release()

            try:
                for item in items:
                    await places.acquire()
                    if problems:
                        break
                    task = asyncio.create_task(one(item))
                    running.add(task)
                    task.add_done_callback(running.discard)
                while running:
                    await asyncio.wait(running)
            finally:
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)
        if problems:
            raise problems[0]


class _End:
    """Comes after the last result, with what ended it, if that was an error."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class _Thread(Thread):
    """Runs a coroutine in an event loop of its own, and reports its end."""

    def __init__(self, main: Callable[[], Any], report: Callable[[Any], None]) -> None:
        super().__init__(name="model server", daemon=True)
        self._main = main
        self._report = report
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._cancelled = False

    def run(self) -> None:
        error: BaseException | None = None
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            try:
                runner.run(self._guarded())
            except BaseException as raised:  # whatever it is, it is raised where the results are read
                error = raised
        self._report(_End(error))

    async def _guarded(self) -> None:
        self._task = asyncio.current_task()
        if not self._cancelled:
            await self._main()

    def call(self, function: Callable[[], object], times: int = 1) -> None:
        """Have something called in the loop, unless it has ended meanwhile."""
        with suppress(RuntimeError):
            for _ in range(times):
                self._loop.call_soon_threadsafe(function)

    def cancel(self) -> None:
        """End it if it still runs, and wait until it has closed its connections."""
        self.call(self._cancel)
        self.join()

    def _cancel(self) -> None:
        self._cancelled = True
        if self._task is not None:
            self._task.cancel()


def _all_there(queue: SimpleQueue[Any]) -> list[Any]:
    rows = []
    while True:
        try:
            rows.append(queue.get_nowait())
        except Empty:
            return rows
