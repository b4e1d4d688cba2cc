"""Leaks: queries of dev and test that share a passage or a wording with train."""

from __future__ import annotations

import random
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import workbench as wb
from workbench.progress import listening
from workbench.records import Passage, Progress, Qrel, Query
from workbench.steps.data.splits import near_duplicates as module
from workbench.steps.data.splits.near_duplicates import jaccard, near_duplicates, shingles, words
from workbench.store import Store, views
from workbench.store.near_duplicates import grouped_fingerprint

TEXT = (
    "The embargo of 1973 raised the price of oil to nearly twelve dollars a barrel and caused a crisis with many short "
    "and long term effects on global politics and on the global economy as a whole"
)
PASSAGES = (
    Passage("p1", "Oil", TEXT),
    Passage("p1 copy", "Oil", TEXT.replace("as a whole", "as such")),
    Passage("-p2", "", "Rivers run to the sea."),
    Passage("p3", "", "Salt."),
    Passage("p4", "", "An island is land with water around it."),
)


def _store(store: Store, queries: dict[str, tuple[str, str, str]], relevance: int = 1) -> Store:
    """Fill a store with query_id -> (split, text, its relevant passage)."""
    store.add_collection(
        [Query(query_id, text, (), split) for query_id, (split, text, _) in queries.items()],
        PASSAGES,
        [Qrel(query_id, passage, relevance) for query_id, (_, _, passage) in queries.items() if passage],
    )
    return store


@pytest.fixture
def leaking(empty: Store) -> Store:
    return _store(
        empty,
        {
            "t1": ("train", "What raised the price of oil?", "p1"),
            "t2": ("train", "Where do rivers run?", "-p2"),
            "a": ("test", "When was the embargo?", "p1"),
            "b": ("test", "Which year saw a crisis?", "p1 copy"),
            "c": ("test", "WHERE do rivers   run", "p3"),
            "d": ("test", "What is an island?", "p4"),
            "e": ("test", "Nothing is known of this one", ""),
            "f": ("dev", "Whereto runs what rains?", "-p2"),
            "g": ("", "Where do rivers run?", "-p2"),
        },
    )


def test_each_way_to_leak_is_seen_and_counted(leaking: Store) -> None:
    result = wb.leaks(leaking)
    seen = views.seen_queries(leaking, "test")
    assert [tuple(row) for row in seen.values()] == [
        ("a", True, False, False),
        ("b", False, True, False),
        ("c", False, False, True),
    ]
    assert [tuple(row) for row in result.splits] == [("dev", 1, 1, 1, 0, 0, 1, 0), ("test", 5, 4, 1, 1, 1, 3, 2)]
    assert "3 of 5 test queries are seen in train" in result.in_words
    assert result.to_frame()["unseen"].tolist() == [0, 2]
    assert views.seen_queries(leaking, "train") == {}


def test_a_passage_counts_from_the_relevance_level_on(empty: Store) -> None:
    queries = {"t": ("train", "What is salt?", "p3"), "q": ("test", "Is the sea salty?", "p3")}
    store = _store(empty, queries, relevance=1)
    assert views.seen_queries(store, "test").keys() == {"q"}
    wb.configure(store, relevance=2)
    assert views.seen_queries(store, "test") == {}
    assert wb.leaks(store).in_words == "No query of dev or test is seen in train."


def test_nothing_leaks_without_qrels_splits_or_rows(empty: Store) -> None:
    assert wb.leaks(empty).splits == ()
    empty.add_collection([Query("q", "What?"), Query("r", "What?", (), "test")])
    assert wb.leaks(empty).of == {}
    assert wb.leaks(empty).in_words.startswith("No query is of the train split")


def test_ingest_says_what_leaks_and_shell_lists_it(leaking: Store) -> None:
    from tests.shell import worked

    again = wb.ingest(leaking, "qrels", _qrels(leaking))
    assert "3 of 5 test queries are seen in train" in again.in_words
    printed = worked("leaks", workspace=leaking.path)
    assert "3 of 5 test queries are seen in train" in printed.out
    assert worked("leaks", "--json", workspace=leaking.path).json["splits"][1]["unseen"] == 2


def _qrels(store: Store) -> str:
    path = store.path / "test.qrels"
    path.write_text("d 0 p4 1\n")
    return str(path)


def test_groups_are_made_anew_only_when_texts_change(leaking: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    wb.leaks(leaking)
    revision = leaking.revision()
    grouped: list[str] = []
    original = near_duplicates
    monkeypatch.setattr(module, "near_duplicates", lambda store, kind: grouped.append(kind) or original(store, kind))
    wb.leaks(leaking)
    assert (grouped, leaking.revision()) == ([], revision)
    leaking.add_collection([Query("new", "Where do rivers run?", (), "dev")])
    assert wb.leaks(leaking).of["dev"].near_query == 1
    assert grouped == ["query"]
    leaking.add_collection(qrels=[Qrel("e", "p3", 0)])  # relevance 0 makes no passage relevant
    wb.leaks(leaking)
    assert grouped == ["query"]
    assert grouped_fingerprint(leaking, "passage") is not None


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("Where is the Rhine?", "where IS the Rhine", True),
        ("???", "???", True),
        ("When did Tesla die?", "When did Edison die?", False),
        ("Who sang the song about the old man and the sea", "Who sang the song about the old man and the moon", False),
        ("东京的人口是多少", "东京的人口是多少？", True),
        ("东京的人口是多少", "北京的人口是多少", False),
        ("ประชากรของโตเกียว", "ประชากรของโตเกียว ", True),
        ("ﬁne Ｗine", "fine wine", True),
        (TEXT, TEXT.replace("twelve", "twenty"), True),
        (TEXT, TEXT[: len(TEXT) // 2], False),
    ],
)
def test_which_texts_are_near_duplicates(empty: Store, left: str, right: str, same: bool) -> None:
    empty.add_collection([Query("a", left), Query("-b", right), Query("c", "something else altogether")])
    assert near_duplicates(empty, "query") == ({"-b": "-b", "a": "-b"} if same else {})


def test_a_group_is_named_after_its_first_member_however_rows_are_ordered(empty: Store) -> None:
    queries = [Query(f"q{number:02}", "Where do rivers run?") for number in range(40)]
    random.Random(13).shuffle(queries)
    empty.add_collection(queries)
    assert near_duplicates(empty, "query") == {f"q{number:02}": "q00" for number in range(40)}


def test_texts_are_read_a_page_at_a_time(empty: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    empty.add_collection([Query(f"q{number}", f"{TEXT} {number % 5}") for number in range(20)])
    whole = near_duplicates(empty, "query")
    monkeypatch.setattr(module, "PAGE", 3)
    monkeypatch.setattr(module, "PAIRS_AT_ONCE", 2)
    reports = list[Progress]()
    with listening(reports.append):
        assert near_duplicates(empty, "query") == whole
    assert [report.done for report in reports] == [3, 6, 9, 12, 15, 18]
    assert set(whole.values()) == {"q0"}


@given(st.lists(st.sampled_from("abcdefgh"), max_size=30), st.lists(st.sampled_from("abcdefgh"), max_size=30))
def test_similarity_is_jaccards_of_words_or_threes(left: list[str], right: list[str]) -> None:
    def pieces(tokens: list[str]) -> set[tuple[str, ...]]:
        size = 3 if len(tokens) > module.SHORT else 1
        return set(zip(*(tokens[start:] for start in range(size)), strict=False))

    expected = len(pieces(left) & pieces(right)) / max(1, len(pieces(left) | pieces(right)))
    assert jaccard(shingles(left), shingles(right)) == pytest.approx(expected)
    assert np.all(np.diff(shingles(left).astype(object)) > 0)
    assert words(" ".join(left)) == left


def test_thousands_of_texts_take_a_moment(empty: Store) -> None:
    drawn = random.Random(13)
    vocabulary = [f"word{number}" for number in range(2_000)]
    texts = [" ".join(drawn.choices(vocabulary, k=60)) for _ in range(3_000)]
    copies = {f"copy{number:04}": texts[number].replace(" ", ", ", 3) + " more" for number in range(0, 3_000, 10)}
    empty.add_collection([Query(f"a{row:04}", text) for row, text in enumerate(texts)])
    empty.add_collection([Query(query_id, text) for query_id, text in copies.items()])
    started = time.process_time()
    groups = near_duplicates(empty, "query")
    assert time.process_time() - started < 20  # of a core; it takes 0.4
    assert groups.keys() == copies.keys() | {f"a{query_id[4:]}" for query_id in copies}
