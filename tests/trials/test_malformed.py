"""Damaged files of every format are refused with their name, or read; never with a traceback, never by half."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from tests import profiles
from tests.trials.mutations import mutated
from tests.trials.samples import NAMES, Sample, judged, samples
from tests.workspaces import copy_of
from workbench.errors import BadInput, Conflict, UnknownName, WorkbenchError
from workbench.formats import read_table
from workbench.steps.data.formats import readable
from workbench.steps.data.ingest import ingest
from workbench.store import Store

TRIALS = 80 if profiles.PROFILE == "soak" else 7  # of each sample, always the same


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Store]:
    """Yield equal workspaces, as many as are asked for."""
    return (copy_of(judged, tmp_path / f"ws {number}") for number in range(TRIALS + 1))


def state(store: Store) -> tuple[int, set[str]]:
    """Return the revision of a workspace, and its files, of which DuckDB's log may come and go."""
    names = {str(path.relative_to(store.path)) for path in store.path.rglob("*")}
    return store.revision(), {name for name in names if not name.endswith(".wal")}


def test_every_format_has_a_sample_which_is_read(stores: Iterator[Store], tmp_path: Path) -> None:
    assert {sample.kind for sample in samples().values()} == set(readable())
    assert tuple(samples()) == NAMES
    store = next(stores)
    for name, sample in samples().items():
        ingest(store, sample.kind, sample.write(tmp_path / name), sample.settings)


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_file_is_refused_by_name_or_read_whole(name: str, stores: Iterator[Store], tmp_path: Path) -> None:
    store, refused = next(stores), 0
    for number in range(TRIALS):
        random, sample = Random(f"{name} {number}"), samples()[name]
        file = random.choice(sorted(sample.files))
        how, content = mutated(sample.files[file], random)
        damaged: Sample = sample._replace(files=sample.files | {file: content})
        path, before = damaged.write(tmp_path / str(number)), state(store)
        try:
            ingest(store, sample.kind, path, sample.settings)
        except WorkbenchError as error:
            refused += 1
            assert str(path) in str(error) or isinstance(error, Conflict), f"{number}: {how}: {error!r} names no file"
            assert state(store) == before, f"{number}: {how}: {error} after something was written"
        except Exception as error:
            raise AssertionError(f"{number}: {file} was {how}: {error!r}") from error
        else:
            store = next(stores)
    assert refused


def test_whichever_byte_of_a_parquet_file_is_changed_it_is_read_or_refused(tmp_path: Path) -> None:
    sample, path = samples()["table table.parquet"], tmp_path / "table.parquet"
    (content,) = sample.files.values()
    for place in range(0, len(content), 1 if profiles.PROFILE == "soak" else 2):
        path.write_bytes(content[:place] + bytes([(content[place] + 1) % 256]) + content[place + 1 :])
        with suppress(BadInput, UnknownName):  # what has no other column is taken for ids, which are read
            read_table(path)
