"""The engine of many machines: Ray actors, each with a model of its own, take shards until there are none left."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from workbench import machine
from workbench.engines.mapping import finish
from workbench.engines.settings import ShardSettings
from workbench.engines.shards import ShardFolder
from workbench.engines.work import Work
from workbench.errors import BadSetting, WorkbenchError

LOSSES = 3  # of workers with the same shard, before that is taken for the shard's doing
PATIENCE = 60.0  # seconds without any worker, before that is worth a warning
OBJECT_STORE = 200 * 2**20  # bytes of a private Ray's shared memory: rows go through files, so little is needed


@dataclass(frozen=True)
class RaySettings(ShardSettings):
    """Which Ray cluster, and what a worker needs of it."""

    address: str = field(
        default="",
        metadata={"about": "a cluster's address, `auto` for the one on this machine; unless given, a private one here"},
    )
    workers: int = field(default=0, metadata={"about": "workers, each with a model; 0: as many as there is room for"})
    cpus: float = field(default=1.0, metadata={"about": "CPUs of a worker"})
    gpus: float = field(default=0.0, metadata={"about": "GPUs of a worker, a share of one too"})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.workers < 0 or self.cpus < 0 or self.gpus < 0 or not (self.cpus or self.gpus):
            raise BadSetting(
                f"workers are {self.workers}, cpus {self.cpus}, gpus {self.gpus}.",
                "None may be negative, and a worker needs a CPU or a GPU.",
            )


class RayEngine:
    """Computes with Ray actors. What a lost one was at is computed by another; the shards are the only checkpoint."""

    uses_files = True

    def __init__(self, settings: RaySettings) -> None:
        if find_spec("ray") is None:
            raise BadSetting("Ray is not installed.", "pip install 'utility-workbench[cluster]', on every machine.")
        self.settings = settings

    @property
    def shards(self) -> str:
        """Return the URL of the shards."""
        return self.settings.shards

    @property
    def rows(self) -> int:
        """Return how many rows a shard has, about."""
        return self.settings.rows

    def compute(self, work: Work[Any, Any], folder: ShardFolder, names: Iterator[str]) -> Iterator[str]:
        """Yield the names of shards as workers finish them; whatever ends this ends the workers too."""
        import ray

        with _connected(self.settings):
            remote = ray.remote(num_cpus=self.settings.cpus, num_gpus=self.settings.gpus, scheduling_strategy="SPREAD")(
                ShardWorker
            )
            packed = ray.put(ray.cloudpickle.dumps(work))
            pool = _Pool(lambda: remote.remote(packed, folder.url), self._count())
            try:
                yield from pool.run(names)
            finally:
                pool.end()

    def _count(self) -> int:
        """Return how many workers to start."""
        import ray

        if self.settings.workers:
            return self.settings.workers
        held, wanted = ray.cluster_resources(), {"CPU": self.settings.cpus, "GPU": self.settings.gpus}
        count = int(min(held.get(name, 0.0) / amount for name, amount in wanted.items() if amount))
        if not count:
            room = ", ".join(f"{held.get(name, 0.0):g} {name}s" for name in wanted)
            raise BadSetting(
                f"The cluster has {room}: no room for a worker of {wanted['CPU']:g} CPUs and {wanted['GPU']:g} GPUs.",
                "Ask for less a worker, or set workers where the cluster grows with what is asked of it.",
            )
        return count


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


class _Pool:
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
        for _ in range(self._count):
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
            what = f"shard {name} in the midst" if name else "what it loads at the start"
            raise WorkbenchError(
                f"{self._losses[name]} workers were lost with {what}: {str(reason).strip().splitlines()[0]}",
                "It may take more memory than a worker has: ask for smaller shards (rows), or fewer workers.",
            )
        warnings.warn(
            f"A worker was lost{f' with shard {name}, which' if name else ' and'} is computed again.", stacklevel=2
        )
        if name:
            self._again.append(name)
        self._start()


@contextmanager
def _connected(settings: RaySettings) -> Iterator[None]:
    """Connect to a cluster within the block, or start a private one; a connection that is there already is used."""
    import ray

    if ray.is_initialized():
        yield
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    private = {
        "num_cpus": int(max(1, settings.workers) * max(1.0, settings.cpus)) if settings.workers else machine.cores(),
        "object_store_memory": OBJECT_STORE, "include_dashboard": False, "_node_ip_address": "127.0.0.1",
    }  # fmt: skip
    with _signals_as_they_were():
        try:
            ray.init(
                **quiet, **({"address": settings.address} if settings.address else {"address": "local", **private})
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise BadSetting(
                f"There is no Ray cluster at {settings.address or 'this machine'!r}: {error}",
                "Start one with `ray start --head`, join it with `ray start --address=HOST:6379`, or name none.",
            ) from error
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _signals_as_they_were() -> Iterator[None]:
    """Keep this program's answer to SIGTERM, in whose place Ray puts its own."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)
