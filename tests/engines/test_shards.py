"""Shards are whole or not there, on any storage that fsspec reads, and what is damaged is not read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pyarrow as pa
import pytest

from tests.engines.object_storage import s3
from workbench.engines import ShardFolder
from workbench.engines.shards import PART
from workbench.errors import BadSetting, Damaged

TABLE = pa.table({"id": ["-a", "ü b", ""], "value": [1.0, None, 3.0]})


@pytest.fixture(params=["folder", "memory", "s3"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ShardFolder]:
    urls = {"folder": nullcontext(str(tmp_path / "shards")), "memory": nullcontext(f"memory://{tmp_path.name}")}
    with urls.get(request.param) or s3() as url:
        yield ShardFolder.of(url, "score", "a teacher")


def test_a_shard_comes_back_as_it_was_written(folder: ShardFolder) -> None:
    assert folder.names("finished") == []
    folder.write("finished", "b", [TABLE.slice(0, 2), TABLE.slice(2)])
    folder.write("finished", "a", [TABLE])
    assert folder.names("finished") == ["a", "b"]
    assert folder.read("finished", "b").equals(TABLE)
    assert pa.Table.from_batches(folder.stream("finished", "a", 2)).equals(TABLE)
    folder.remove("finished", "a")
    folder.remove("finished", "a")
    assert (folder.holds("finished", "a"), folder.holds("finished", "b")) == (False, True)
    folder.clear()
    folder.clear()
    assert folder.names("finished") == []


def test_what_is_not_whole_is_not_there(folder: ShardFolder) -> None:
    def tables() -> object:
        yield TABLE
        raise RuntimeError("killed in the midst")

    with pytest.raises(RuntimeError):
        folder.write("finished", "a", tables())
    assert folder.names("finished") == []
    assert not folder.holds("finished", "a")


@pytest.mark.parametrize("damage", ["flipped", "cut", "emptied"])
def test_a_damaged_shard_is_not_read(tmp_path: Path, damage: str) -> None:
    folder = ShardFolder(str(tmp_path))
    folder.write("finished", "a", [pa.table({"text": [f"{n} words" for n in range(500)]})])
    (file,) = (tmp_path / "finished").iterdir()
    assert PART not in file.name
    content = bytearray(file.read_bytes())
    content[200] ^= 0xFF
    file.write_bytes({"flipped": bytes(content), "cut": content[:300], "emptied": b""}[damage])
    with pytest.warns(Damaged, match="computed again"):
        assert folder.read("finished", "a") is None


def test_two_recipes_and_two_verbs_share_no_folder(tmp_path: Path) -> None:
    folders = [ShardFolder.of(str(tmp_path), *key) for key in (("score", "a"), ("score", "b"), ("encode", "a"))]
    assert len({folder.url for folder in folders}) == 3


def test_an_unknown_storage_is_named() -> None:
    with pytest.raises(BadSetting, match="nowhere://"):
        ShardFolder("nowhere://bucket")
