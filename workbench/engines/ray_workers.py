"""Ray's workers: the actor that computes shards, and the pool that replaces those that are lost."""

from __future__ import annotations

import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from workbench import machine
from workbench.engines.mapping import finish
from workbench.engines.shards import ShardFolder
from workbench.engines.work import Work
from workbench.errors import WorkbenchError

LOSSES = 3  # of workers with the same shard, before that is taken for the shard's doing
PATIENCE = 60.0  # seconds without any worker, before that is worth a warning


class ShardWorker:
    """One worker: the work, prepared once, and the folder that shards come from and go to."""

    def __init__(self, packed: bytes, url: str) -> None:
        machine.prepare()  # before what is unpacked imports torch
        import pickle

        self._work: Work[Any, Any] = pickle.loads(packed)
        self._folder = ShardFolder(url)
        self._function: Callable[[Any], Iterator[Any]] | None = None

    def start(self) -> None:
        """Load what the work needs."""
        with _plain_errors():
            self._function = self._work.start()

    def compute(self, name: str) -> None:
        """Finish one shard."""
        assert self._function is not None
        with _plain_errors():
            finish(self._work, self._function, self._folder, name)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Raise what a person can act on in a form that travels."""
    try:
        yield
    except WorkbenchError as error:
        raise WorkbenchError(error.problem, error.hint) from None


class Pool:
    """Workers that are lost and replaced, and the shards that each is at; "" while it starts."""

    def __init__(self, worker: Callable[[], Any], count: int) -> None:
        self._worker = worker
        self._count = count
        self._busy: dict[Any, tuple[Any, str]] = {}
        self._again: deque[str] = deque()
        self._losses: Counter[str] = Counter()
        self._more = True

    def run(self, names: Iterator[str]) -> Iterator[str]:
        """Hand shards to workers and yield those that are finished."""
        self._again.extend(islice(names, self._count))
        self._more = len(self._again) == self._count
        for _ in self._again.copy():  # a worker without a shard would load a model in vain
            self._start()
        while self._more or self._again or any(name for _, name in self._busy.values()):
            worker, name, lost = self._next()
            if lost:
                self._replace(name, lost)
                continue
            if following := self._following(names):
                self._busy[worker.compute.remote(following)] = worker, following
            if name:
                yield name

    def end(self) -> None:
        """End all workers."""
        import ray

        for worker, _ in self._busy.values():
            ray.kill(worker)
        self._busy.clear()

    def _start(self) -> None:
        worker = self._worker()
        self._busy[worker.start.remote()] = worker, ""

    def _following(self, names: Iterator[str]) -> str:
        """Return the shard to compute next; "" if none is left."""
        if self._again:
            return self._again.popleft()
        name = next(names, "") if self._more else ""
        self._more = bool(name)
        return name

    def _next(self) -> tuple[Any, str, Exception | None]:
        """Wait for a worker; return it with its shard and, if it was lost, why."""
        import ray

        while not (ready := ray.wait([*self._busy], num_returns=1, timeout=PATIENCE)[0]):
            if not any(name for _, name in self._busy.values()):
                warnings.warn("The cluster has had no room for a worker for a minute; waiting.", stacklevel=2)
        worker, name = self._busy.pop(ready[0])
        try:
            ray.get(ready[0])
        except ray.exceptions.RayTaskError as error:
            raise (error.cause or error) from None
        except ray.exceptions.RayError as error:
            return worker, name, error
        return worker, name, None

    def _replace(self, name: str, reason: Exception) -> None:
        """Put a lost worker's shard back and start another worker."""
        self._losses[name] += 1
        if self._losses[name] > LOSSES:
            lines = str(reason).strip().splitlines()  # of one that did not begin, a traceback
            what = f"shard {name} in the midst" if name else "what it loads at the start"
            raise WorkbenchError(
                f"{self._losses[name]} workers were lost with {what}: {lines[0 if name else -1]}",
                "It may take more memory than a worker has: ask for smaller shards (rows), or fewer workers.",
            )
        warnings.warn(
            f"A worker was lost{f' with shard {name}, which' if name else ' and'} is computed again.", stacklevel=2
        )
        if name:
            self._again.append(name)
        self._start()
