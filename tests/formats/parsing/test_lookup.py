"""What a file is about is found among passages whose texts are not held."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from workbench.formats.parsing.gathering import Unreadable
from workbench.formats.parsing.lookup import Lookup
from workbench.records import Passage, Query

IDS = [f"p{number}" for number in range(10_000)]


def long_passages() -> Iterator[Passage]:
    return (Passage(name, "title", f"{name} {'x' * 1_000}") for name in IDS)


def test_texts_are_read_where_a_row_has_no_id_and_not_held() -> None:
    reads: list[int] = []

    def passages() -> Iterator[Passage]:
        reads.append(1)
        return long_passages()

    known = Lookup([Query("q", "Who?")], IDS, passages, ["\n", " "])
    assert (known.query("q"), known.passage("p7"), known.query(None, "Who?"), reads) == ("q", "p7", "q", [])
    tracemalloc.start()
    for text in ("title p8 ", "title\np8 "):
        assert known.passage("", text + "x" * 1_000) == "p8"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert reads == [1]
    assert peak < 4 * 2**20, "the texts take 20 MB"
    with pytest.raises(Unreadable, match="no passage with the text 'title'"):
        known.passage(None, "title")


def test_the_ids_of_equal_texts_are_named_in_order() -> None:
    known = Lookup([], ["b", "a"], lambda: [Passage("b", "", "x"), Passage("a", "x", "")])
    with pytest.raises(Unreadable, match="the passage 'x' may be 'a' or 'b'"):
        known.passage(None, "x")
    with pytest.raises(Unreadable, match="no query with the text 'x'"):
        known.query(None, "x")
