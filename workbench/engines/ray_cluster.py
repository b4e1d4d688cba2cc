"""The engine of many machines: Ray actors, each with a model of its own, take shards until there are none left."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import chain
from typing import Any

from workbench import machine
from workbench.engines.ray_workers import Pool, ShardWorker
from workbench.engines.settings import ShardSettings
from workbench.engines.shards import ShardFolder
from workbench.engines.work import Work
from workbench.errors import BadSetting

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

    def compute(self, work: Work[Any, Any], folder: ShardFolder, names: Iterator[str]) -> Iterator[str]:
        """Yield the names of shards as workers finish them; whatever ends this ends the workers too."""
        first = next(names, "")
        if not first:
            return
        import ray

        with _connected(self.settings):
            remote = ray.remote(num_cpus=self.settings.cpus, num_gpus=self.settings.gpus, scheduling_strategy="SPREAD")(
                ShardWorker
            )
            packed = ray.put(ray.cloudpickle.dumps(work))
            pool = Pool(lambda: remote.remote(packed, folder.url), self._count())
            try:
                yield from pool.run(chain([first], names))
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
