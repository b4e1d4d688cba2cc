"""All passages as a sequence: a large collection is written to a file once, and mapped into memory from there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import pyarrow as pa

from workbench import files
from workbench.columns.passages import STRING, Passages
from workbench.errors import Conflict, WriteFailed
from workbench.store.collection import HAS_TEXT
from workbench.store.kept import FOLDER
from workbench.store.views.collection import collection_fingerprint
from workbench.store.views.searched import PASSAGES_AT_ONCE, last_place
from workbench.store.workspace_settings import TITLE_JOINS, settings_of

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.store.store import Store

PREFIX = "passages-"
ATTEMPTS = 5  # to read all while another thread of this process adds to them
SCHEMA = pa.schema({"passage_id": STRING, "title": STRING, "text": STRING})


class _Changed(Exception):
    """Another thread has changed the passages while they were read."""


def all_passages(store: Store) -> Passages:
    """Return the passages that have a text, by id, as they are now.

    More than are read at once lie in a file, which is named after the collection and takes the place of that of a
    former one; where none can be written they are held in memory.
    """
    with store.read():  # no other process adds to them meanwhile
        title_join = TITLE_JOINS[settings_of(store).title_join]
        if last_place(store) < PASSAGES_AT_ONCE:
            return Passages(_in_memory(store), title_join)
        try:
            table = _in_file(store)
        except WriteFailed:
            table = _in_memory(store)
    return Passages(table, title_join)


def _in_file(store: Store) -> pa.Table:
    """Return the columns of the passages from their file, which is written where there is none, or a damaged one."""
    for _ in range(ATTEMPTS):
        collection = collection_fingerprint(store)
        path = store.path / FOLDER / f"{PREFIX}{collection}.arrow"
        with suppress(OSError, pa.ArrowInvalid):
            return _mapped(path)
        with suppress(_Changed):
            with files.aside(path) as draft:
                _write(store, draft)
                if collection_fingerprint(store) != collection:
                    raise _Changed
            _forget_former(path)
            return _mapped(path)
    raise Conflict("Passages were added again and again while they were read.", "Run the same again.")


def _write(store: Store, draft: Path) -> None:
    with pa.OSFile(str(draft), "wb") as file, pa.ipc.new_file(file, SCHEMA) as writer:
        for part in _parts(store):
            writer.write_table(part)


def _forget_former(path: Path) -> None:
    for former in path.parent.glob(f"{PREFIX}*.arrow"):
        if former != path:
            with suppress(OSError):  # Windows removes no file that another process has mapped
                former.unlink()


def _mapped(path: Path) -> pa.Table:
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def _in_memory(store: Store) -> pa.Table:
    return pa.concat_tables([SCHEMA.empty_table(), *_parts(store)])


def _parts(store: Store) -> Iterator[pa.Table]:
    """Yield the columns of the passages that have a text as they are stored, part by part."""
    last = last_place(store)
    for start in range(0, last + 1, PASSAGES_AT_ONCE):
        with store.read() as connection:
            part = connection.sql(
                f"""
                select passage_id, title, text from passages
                where rowid between $first and $last and {HAS_TEXT["passages"]} order by rowid
                """,
                params={"first": start, "last": min(last, start + PASSAGES_AT_ONCE - 1)},
            ).to_arrow_table()
        yield part.cast(SCHEMA)
