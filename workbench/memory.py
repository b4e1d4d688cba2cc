"""Memory: how much of it is free for this process, and what to do where it does not suffice."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

import psutil

Value = TypeVar("Value")
CGROUPS = Path("/sys/fs/cgroup")
# The limit of a control group, its use, and the key of what it would give back, in version 2 and in version 1.
CGROUP_FILES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def free(device: str = "cpu") -> int:
    """Return how many bytes this process can still take of a torch device's memory.

    On a CPU the least of what the machine has, what its control groups (containers, batch systems) allow, and what is
    left of the process's own address space.
    """
    if device.startswith("cuda"):
        import torch

        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + unused
    return max(0, min([psutil.virtual_memory().available, *_left_in_cgroups(), *_left_in_address_space()]))


def is_exhausted(error: BaseException) -> bool:
    """Return whether an error says that there was no memory left, on a GPU or elsewhere."""
    from accelerate.utils.memory import should_reduce_batch_size

    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and (should_reduce_batch_size(error) or "bad_alloc" in str(error))


def halving(compute: Callable[[int], Value], size: int) -> Value:
    """Return what `compute` returns of a size, which is halved as often as the memory does not suffice."""
    while True:
        try:
            return compute(size)
        except (RuntimeError, MemoryError) as error:
            if size == 1 or not is_exhausted(error):
                raise
        release()
        size //= 2


def release() -> None:
    """Give back what no tensor uses any more, after an error that held on to it."""
    from accelerate.utils.memory import clear_device_cache

    clear_device_cache(garbage_collection=True)


def trim() -> None:
    """Give what is free in the C library's heap back to the system.

    glibc itself does so at the end of the heap alone. Tensors up to 32 MiB lie in the heap, in ever new sizes, so that
    new ones do not fit where old ones were: training all-MiniLM-L6-v2 would hold twice what it uses after 20 steps.
    """
    if (malloc_trim := _malloc_trim()) is not None:
        malloc_trim(0)


def in_words(size: float) -> str:
    """Return a number of bytes as a person reads it."""
    return f"{size / 2**30:.1f} GB" if size >= 2**30 / 10 else f"{size / 2**20:.0f} MB"


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    """Return glibc's function; other C libraries have none."""
    if sys.platform != "linux":
        return None
    function: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return function


def _left_in_address_space() -> Iterator[int]:
    """Yield what a limit like `ulimit -v` leaves."""
    if sys.platform == "win32":
        return
    import resource

    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most != resource.RLIM_INFINITY:
        yield most - psutil.Process().memory_info().vms


def _left_in_cgroups() -> Iterator[int]:
    """Yield what each control group that this process is in leaves; the page cache of files counts as free."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        root = CGROUPS / controllers
        group = root / path.lstrip("/")
        for folder in (group, *group.parents):
            if folder.is_relative_to(root):
                yield from _left_in_cgroup(folder)


def _left_in_cgroup(folder: Path) -> Iterator[int]:
    for limit, used, inactive in CGROUP_FILES:
        try:
            most = (folder / limit).read_text(encoding="utf-8").strip()
            current = int((folder / used).read_text(encoding="utf-8"))
            statistics = (folder / "memory.stat").read_text(encoding="utf-8").split()
            cached = int(dict(zip(statistics[::2], statistics[1::2], strict=True)).get(inactive, 0))
        except (OSError, ValueError):
            continue
        if most != "max":
            yield int(most) - current + cached
