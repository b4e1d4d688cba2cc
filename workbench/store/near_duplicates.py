"""The texts among which near-duplicates are looked for, and the table that keeps the groups."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Literal, get_args

import pyarrow as pa

from workbench.store import arrow
from workbench.store.collection import HAS_TEXT

if TYPE_CHECKING:
    from workbench.store.store import Store

TextKind = Literal["query", "passage"]
TEXT_KINDS: tuple[TextKind, ...] = get_args(TextKind)

# Of the passages only those that a leak can go through: whatever the relevance level, relevance 0 is not relevant.
# What is known by id only has no text to be like another's.
_TEXTS: dict[TextKind, str] = {
    "query": f"select query_id as id, text from queries where {HAS_TEXT['queries']}",
    "passage": f"""
        select passage_id as id, concat_ws(' ', title, text) as text from passages
        semi join (select passage_id from qrels where relevance > 0) using (passage_id) where {HAS_TEXT["passages"]}
    """,
}


def text_page(store: Store, kind: TextKind, after: str, limit: int) -> list[tuple[str, str]]:
    """Return the next `limit` texts by id, each with its id; the first ones after an empty id."""
    with store.read() as connection:
        return connection.execute(
            f"select id, text from ({_TEXTS[kind]}) where id > $after order by id limit $limit",
            {"after": after, "limit": limit},
        ).fetchall()


def texts_of(store: Store, kind: TextKind, ids: Collection[str]) -> dict[str, str]:
    """Return id -> text."""
    with store.read() as connection:
        rows = connection.execute(
            f"select id, text from ({_TEXTS[kind]}) semi join (select unnest($ids::varchar[]) as id) using (id)",
            {"ids": list(ids)},
        ).fetchall()
    return dict(rows)


def texts_fingerprint(store: Store, kind: TextKind) -> int:
    """Return a number that changes when any of the texts is added, removed or edited."""
    with store.read() as connection:
        row = connection.execute(
            f"select bit_xor(md5_number_lower(concat_ws(chr(31), id, text))), count(*) from ({_TEXTS[kind]})"
        ).fetchone()
    assert row is not None
    return ((row[0] or 0) + int(row[1])) % 2**62


def grouped_fingerprint(store: Store, kind: TextKind) -> int | None:
    """Return the fingerprint of the texts that the groups kept now were made of; None where there were none yet."""
    with store.read() as connection:
        row = connection.execute("select value from meta where key = ?", [_key(kind)]).fetchone()
    return int(row[0]) if row else None


def write_groups(store: Store, kind: TextKind, group_of: Mapping[str, str], fingerprint: int) -> None:
    """Keep id -> group of the texts that have a near-duplicate, in place of the groups before."""
    rows = pa.table(
        {"id": pa.array(group_of.keys(), pa.string()), "group_id": pa.array(group_of.values(), pa.string())}
    )
    with store.write("near_duplicates") as connection:
        connection.execute("delete from near_duplicates where kind = ?", [kind])
        with arrow.registered(connection, rows):
            connection.execute("insert into near_duplicates select ?, id, group_id from rows", [kind])
        connection.execute("insert or replace into meta values (?, ?)", [_key(kind), fingerprint])


def _key(kind: TextKind) -> str:
    return f"near-duplicates of kind {kind}"
