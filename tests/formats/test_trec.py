"""TREC qrels and runs: round trips, order, and every kind of problem with its line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rankings import by_query
from workbench.errors import BadInput, BadSetting
from workbench.formats import Problem, Ranking, read_qrels, read_run, write_qrels, write_run
from workbench.records import Qrel

WORDS = st.text(st.characters(codec="utf-8", exclude_characters=" \t\n\v\f\r"), min_size=1).filter(
    lambda word: word[0] != "\ufeff"
)
IDS = st.one_of(WORDS, st.sampled_from(["007", "http://x/?a=1#é", '"q"', "'", "a\u00a0b", "#1", "query-id"]))
SIMILARITIES = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.floats(-1, 1, width=32))


@given(
    judged=st.dictionaries(st.tuples(IDS, IDS), st.integers(-999_999_999, 999_999_999), max_size=8),
    name=st.sampled_from(["q.txt", "q.gz"]),
)
def test_qrels_read_back(
    judged: dict[tuple[str, str], int], name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("qrels") / name
    qrels = [Qrel(*pair, relevance) for pair, relevance in judged.items()]
    write_qrels(qrels, path)
    found = read_qrels(path)
    assert (found.qrels, found.problems, found.duplicates) == (tuple(qrels), (), 0)
    assert (found.queries, found.passages) == ((), ())


@given(ranked=st.dictionaries(st.tuples(IDS, IDS), SIMILARITIES, min_size=1, max_size=12), name=WORDS)
def test_runs_read_back_in_trec_evals_order(
    ranked: dict[tuple[str, str], float], name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("run") / "run.txt"
    hits = [(*pair, similarity) for pair, similarity in ranked.items()]
    assert write_run(name, by_query(hits), path) == len(hits)
    found = read_run(path)
    assert (found.name, found.problems) == (name, ())
    assert sorted(found.hits) == sorted(hits)
    queries = list(dict.fromkeys(query_id for query_id, _, _ in hits))
    by_passage = sorted(hits, key=lambda hit: hit[1].encode(), reverse=True)
    by_similarity = sorted(by_passage, key=lambda hit: hit[2], reverse=True)
    assert list(found.hits) == sorted(by_similarity, key=lambda hit: queries.index(hit[0]))


def test_a_run_as_it_is_written(tmp_path: Path) -> None:
    hits = [("q", "a", 0.5), ("q", "b", 0.5), ("r", "a", 1), ("q", "c", 0.1 + 0.2)]
    write_run("bm25", by_query(hits), tmp_path / "run.txt")
    assert (tmp_path / "run.txt").read_text().splitlines() == [
        "q Q0 b 1 0.5 bm25",
        "q Q0 a 2 0.5 bm25",
        "q Q0 c 3 0.30000000000000004 bm25",
        "r Q0 a 1 1.0 bm25",
    ]


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "rows", [[b"q 0 p 1", b"r\t0\tp\t0"], [b"q\tp\t1", b"r\tp\t0"], [b"qid\tpid\trel", b"q\tp\t1", b"r\tp\t0"]]
)
def test_every_spelling_of_qrels_reads_alike(
    start: bytes, end: bytes, packed: bool, rows: list[bytes], tmp_path: Path
) -> None:
    content = start + b"".join(row + end for row in rows)
    (tmp_path / "qrels.txt").write_bytes(gzip.compress(content) if packed else content)
    found = read_qrels(tmp_path / "qrels.txt")
    assert (found.qrels, found.problems) == ((Qrel("q", "p", 1), Qrel("r", "p", 0)), ())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("q 0 p", "expected"),
        ("q 0 p 1 more", "expected"),
        ("q 0 p high", "whole number"),
        ("q 0 a 2", "differently on line 1"),
        ("title line", "expected"),
    ],
)
def test_a_bad_judgement_is_named_and_the_next_is_read(line: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "qrels.txt"
    path.write_text(f"q 0 a 1\n\n{line}\nq 0 b 1\nq 0 b 1\n")
    found = read_qrels(path)
    assert [(each.file, each.line) for each in found.problems] == [(str(path), 3)]
    assert said in found.problems[0].what
    assert found.qrels == (Qrel("q", "a", 1), Qrel("q", "b", 1))
    assert found.duplicates == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("q Q0 b 2 nan me", "finite"),
        ("q Q0 b 2 inf me", "finite"),
        ("q Q0 b 2 best me", "must be a number"),
        ("q Q0 b 2 0.5", "found 5 words"),
        ("q Q0 b 2 0.5 my run", "found 7 words"),
        ("q Q0 a 2 0.9 me", "on line 1"),
        ("q Q0 b 2 0.5 you", "named 'you' here and 'me' before"),
    ],
)
def test_a_bad_hit_is_named_and_the_next_is_read(line: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "run.txt"
    path.write_text(f"q Q0 a 1 0.9 me\n{line}\n\nq Q0 c 3 -1e-3 me\n")
    found = read_run(path)
    assert [(each.file, each.line) for each in found.problems] == [(str(path), 2)]
    assert said in found.problems[0].what
    assert found.hits == (("q", "a", 0.9), ("q", "c", -0.001))


def test_a_line_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "run.txt"
    path.write_bytes(b"q Q0 a 1 0.9 me\nq Q0 \xff 2 0.8 me\n")
    assert read_run(path) == Ranking(
        "me", (("q", "a", 0.9),), (Problem(str(path), 2, "not UTF-8: byte 6 of the line"),)
    )


def test_an_empty_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.txt").write_text("\n")
    with pytest.raises(BadInput, match="empty"):
        read_run(tmp_path / "run.txt")


@pytest.mark.parametrize("bad", ["two words", "", "a\tb", "a\nb", "\ufeffq"])
def test_ids_that_trec_cannot_hold_are_refused(bad: str, tmp_path: Path) -> None:
    for attempt in (
        lambda: write_qrels([Qrel(bad, "p", 1)], tmp_path / "q"),
        lambda: write_qrels([Qrel("q", bad, 1)], tmp_path / "q"),
        lambda: write_run("me", by_query([(bad, "p", 1.0)]), tmp_path / "q"),
        lambda: write_run("me", by_query([("q", bad, 1.0)]), tmp_path / "q"),
        lambda: write_run(bad, by_query([("q", "p", 1.0)]), tmp_path / "q"),
    ):
        with pytest.raises(BadSetting) as caught:
            attempt()
        assert repr(bad) in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "hits", [[("q", "p", 1.0), ("q", "p", 1.0)], [("q", "p", float("nan"))], [("q", "p", float("inf"))]]
)
def test_runs_that_are_none_are_refused(hits: list[tuple[str, str, float]], tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="'q'"):
        write_run("me", by_query(hits), tmp_path / "run.txt")
