"""Memory: what is free within every limit, and what is tried where it does not suffice."""

from pathlib import Path

import psutil
import pytest

from workbench import memory


def test_no_more_is_free_than_any_limit_leaves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert 0 < memory.free() <= psutil.virtual_memory().total
    monkeypatch.setattr(memory, "_left_in_cgroups", lambda: iter([7_000, 5_000]))
    monkeypatch.setattr(memory, "_left_in_address_space", lambda: iter([]))
    assert memory.free() == 5_000
    monkeypatch.setattr(memory, "_left_in_address_space", lambda: iter([-1]))
    assert memory.free() == 0


@pytest.mark.parametrize(
    ("names", "limit", "left"),
    [
        (("memory.max", "memory.current", "inactive_file"), "1000", [1000 - 600 + 150]),
        (("memory.max", "memory.current", "inactive_file"), "max", []),
        (("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"), "1000", [1000 - 600 + 150]),
    ],
)
def test_a_control_group_leaves_what_it_does_not_use_and_its_cache(
    tmp_path: Path, names: tuple[str, str, str], limit: str, left: list[int]
) -> None:
    assert list(memory._left_in_cgroup(tmp_path)) == []
    most, used, cached = names
    for name, text in ((most, limit), (used, "600"), ("memory.stat", f"anon 400\n{cached} 150\n")):
        (tmp_path / name).write_text(f"{text}\n")
    assert list(memory._left_in_cgroup(tmp_path)) == left


def test_a_size_is_halved_until_memory_suffices_and_other_errors_are_raised() -> None:
    sizes = []

    def compute(size: int) -> int:
        sizes.append(size)
        if size > 5:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes.")
        return size

    assert memory.halving(compute, 32) == 4
    assert sizes == [32, 16, 8, 4]

    def wrong(size: int) -> int:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        memory.halving(wrong, 8)

    def never(size: int) -> int:
        raise MemoryError

    with pytest.raises(MemoryError):
        memory.halving(never, 8)


@pytest.mark.parametrize(
    ("error", "exhausted"),
    [
        (MemoryError(), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 MiB."), True),
        (RuntimeError("std::bad_alloc"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory."), False),
    ],
)
def test_which_errors_say_that_memory_is_short(error: Exception, exhausted: bool) -> None:
    assert memory.is_exhausted(error) == exhausted
