"""The environment for OpenMP, set once and early."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from workbench import machine
from workbench.teachers.likelihood import checkpoint


def _python(code: str, **environment: str) -> str:
    prepared = machine.PASSIVE | machine.QUIET | machine.FRUGAL
    clean = {name: value for name, value in os.environ.items() if name not in prepared}
    clean.pop("OMP_NUM_THREADS", None)
    done = subprocess.run(
        [sys.executable, "-c", code], env=clean | environment, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout + done.stderr


SHOW = "import os; print(*map(os.environ.get, ('OMP_WAIT_POLICY', 'GOMP_SPINCOUNT', 'OMP_NUM_THREADS')))"


def test_sets_what_nobody_set_and_keeps_the_rest() -> None:
    assert _python(f"from workbench import machine; machine.prepare(); {SHOW}").split()[:2] == ["PASSIVE", "0"]
    environment = _python(
        f"from workbench import machine; machine.prepare(); {SHOW}", OMP_WAIT_POLICY="ACTIVE", OMP_NUM_THREADS="1"
    )
    assert environment.split() == ["ACTIVE", "0", "1"]


def test_imports_no_torch() -> None:
    code = "import sys; from workbench.machine import *; prepare(); fast_bfloat16(); print('torch' in sys.modules)"
    assert _python(code).strip() == "False"


def test_says_once_that_it_comes_too_late() -> None:
    code = "import sys, types; sys.modules['torch'] = types.ModuleType('torch'); from workbench import machine; "
    output = _python(code + "machine.prepare(); machine.prepare()")
    assert output.count("come too late") == 1


@pytest.mark.parametrize(
    ("text", "fast"),
    [
        ("flags\t: sse avx512_bf16", True),
        ("flags : amx_bf16", True),
        ("Features : fp bf16", True),
        ("flags : sse avx512f", False),
        ("", False),
    ],
)
def test_reads_the_flags(monkeypatch: pytest.MonkeyPatch, text: str, fast: bool) -> None:
    monkeypatch.setattr(machine, "_cpuinfo", lambda *_: text.partition(":")[2])
    machine.cpu_flags.cache_clear()
    assert machine.fast_bfloat16() is fast
    assert checkpoint.dtype_of("auto", "cpu") == ("bfloat16" if fast else "float32"), "a teacher reads the same flags"
    monkeypatch.undo()
    machine.cpu_flags.cache_clear()


@pytest.mark.parametrize("fast", [True, False])
def test_asks_torch_for_what_a_gpu_computes_in(monkeypatch: pytest.MonkeyPatch, fast: bool) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: fast)
    assert machine.best_device() == "cuda"
    assert machine.fast_bfloat16("cuda:0") is fast
    assert checkpoint.dtype_of("auto", "cuda:0") == ("bfloat16" if fast else "float32")


@pytest.mark.parametrize("name", ["ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"])
def test_the_shapes_that_onednn_keeps_are_bounded_unless_a_person_says_how(name: str) -> None:
    show = f"import os; print(os.environ[{name!r}])"
    assert int(_python(f"from workbench import machine; machine.prepare(); {show}")) == 16
    assert int(_python(f"from workbench import machine; machine.prepare(); {show}", **{name: "9"})) == 9
