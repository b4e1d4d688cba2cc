"""The machine: settings that must be made before torch is imported, and the abilities of its processors."""

from __future__ import annotations

import os
import platform
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

# libgomp threads spin at barriers; when another process holds a core they spin in vain, and a training step beside one
# busy process was measured 8 times slower. Waiting passively costs an idle machine a few percent.
PASSIVE = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"}
# Set explicitly, or the tokenizers library warns each time a job is started as a child process.
QUIET = {"TOKENIZERS_PARALLELISM": "true", "HF_HUB_DISABLE_TELEMETRY": "1"}
# oneDNN, and the layer through which torch calls it, keep what they made for each shape of a matrix, 1,024 of them
# unless told, and texts come in ever new lengths: all-MiniLM-L6-v2 took 15 MB more each step, and nothing with 16.
FRUGAL = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "16", "LRU_CACHE_CAPACITY": "16"}
# Small encoders stop gaining from more threads well before this.
MOST_THREADS = 16
# The flags of x86 processors, and ARM's.
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}


def prepare() -> None:
    """Set up the environment for torch, faiss and tokenizers; variables that are set already stay.

    Every entry point calls this before anything else. OpenMP reads its variables once, so a call after torch or faiss
    was imported changes nothing for this process; it then warns, and only child processes profit.
    """
    threads = {"OMP_NUM_THREADS": str(min(cores(), MOST_THREADS))}
    late = [name for name in PASSIVE if name not in os.environ and _openmp_is_up()]
    for name, value in (PASSIVE | QUIET | FRUGAL | threads).items():
        os.environ.setdefault(name, value)
    if late:
        warnings.warn(
            f"torch or faiss was imported before workbench.machine.prepare(), so {' and '.join(late)} come too late "
            "for this process: beside other busy processes it will be slow. Import workbench first.",
            RuntimeWarning,
            stacklevel=2,
        )


def cores() -> int:
    """Return how many cores this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def cpu_flags() -> frozenset[str]:
    """Return the flags of the CPU in /proc/cpuinfo; empty where there is no such file."""
    return frozenset(_cpuinfo("flags", "Features").split())


@cache
def cpu_name() -> str:
    """Return the name of the CPU, as exact as the system has it."""
    return _cpuinfo("model name") or platform.processor() or platform.machine() or "unknown"


def fast_bfloat16(device: str = "cpu") -> bool:
    """Tell whether a torch device computes in bfloat16; a CPU that emulates it is slower than in float32."""
    if not device.startswith("cuda"):
        return bool(cpu_flags() & BFLOAT16_FLAGS)
    import torch

    return bool(torch.cuda.is_bf16_supported())


def best_device() -> str:
    """Return the torch device that models are put on where nobody chooses one: cuda if there is one, else cpu."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


@contextmanager
def deterministic(wanted: bool = True) -> Iterator[None]:
    """Let torch and faiss calculate within the block, if that is wanted, so that the same inputs give the same bytes.

    On a CPU one thread is what it takes: several add what they have summed in the order in which they are done. On a
    GPU torch uses the algorithms that it knows to be deterministic, and refuses what has none.
    """
    if not wanted:
        yield
        return
    import faiss
    import torch

    before = torch.get_num_threads(), faiss.omp_get_max_threads(), torch.are_deterministic_algorithms_enabled()
    on_gpu = best_device() != "cpu"
    if on_gpu:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS is not deterministic
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    torch.use_deterministic_algorithms(on_gpu or before[2])
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        faiss.omp_set_num_threads(before[1])
        torch.use_deterministic_algorithms(before[2])


def _openmp_is_up() -> bool:
    return "torch" in sys.modules or "faiss" in sys.modules


def _cpuinfo(*names: str) -> str:
    file = Path("/proc/cpuinfo")
    if not file.exists():
        return ""
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in names:
            return value.strip()
    return ""
