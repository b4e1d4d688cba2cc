"""BEIR folders: round trips, splits, and every kind of problem with its line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadInput, BadSetting
from workbench.formats import Problem, read_beir, write_beir
from workbench.records import SPLITS, Passage, Qrel, Query

CORPUS = [{"_id": "p1", "title": "T", "text": "one"}, {"_id": "p2", "text": "two"}]
QUERIES: list[Any] = [{"_id": "q1", "text": "first?"}, {"_id": "q2", "text": "second?"}]

NASTY = st.sampled_from(
    ["", " ", '"', '"a"', "a\tb", "007", "http://x/?q=1#é", "'", "\u2028", "\x0b", "﻿x", "#", "\\", ","]
)
IDS = st.builds(
    lambda a, b, c: f"{a}{b}{c}",
    NASTY,
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1),
    NASTY,
)
TEXTS = st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip)


@st.composite
def collections(draw: st.DrawFn) -> tuple[list[Query], list[Passage], list[Qrel]]:
    tags = st.lists(TEXTS.map(str.strip), unique=True, max_size=2).map(tuple)
    answers = st.lists(TEXTS, unique=True, max_size=3).map(tuple)
    queries = [
        Query(query_id, draw(TEXTS), draw(answers), draw(st.sampled_from(["", *SPLITS])), draw(tags))
        for query_id in draw(st.lists(IDS, unique=True, max_size=4))
    ]
    passages = [
        Passage(each, draw(st.text(st.characters(codec="utf-8"))), draw(TEXTS))
        for each in draw(st.lists(IDS, unique=True, max_size=4))
    ]
    pairs = [(query.query_id, passage.passage_id) for query in queries for passage in passages]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return queries, passages, [Qrel(*pair, draw(st.integers(-2, 3))) for pair in chosen]


@given(rows=collections())
def test_what_is_written_reads_back(
    rows: tuple[list[Query], list[Passage], list[Qrel]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("beir")
    write_beir(*rows, folder)
    found = read_beir(folder)
    assert found.problems == ()
    assert found.duplicates == 0
    assert (found.queries, found.passages) == (tuple(rows[0]), tuple(rows[1]))
    assert sorted(found.qrels) == sorted(rows[2])


def jsonl(rows: list[Any], end: str = "\n") -> bytes:
    return "".join((row if isinstance(row, str) else json.dumps(row)) + end for row in rows).encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "corpus.jsonl").write_bytes(jsonl(CORPUS))
    (tmp_path / "queries.jsonl").write_bytes(jsonl(QUERIES))
    (tmp_path / "qrels").mkdir()
    return tmp_path


def judge(folder: Path, name: str, *lines: str) -> Path:
    path = folder / "qrels" / name
    path.write_text("\n".join(lines) + "\n")
    return path


def test_qrels_tell_the_split_where_the_query_does_not(folder: Path) -> None:
    judge(folder, "train.tsv", "query-id\tcorpus-id\tscore", "q1\tp1\t1")
    judge(folder, "validation.tsv", "q2\tp2\t2.0")
    judge(folder, "notes.txt", "not a qrels file")
    found = read_beir(folder)
    assert found.problems == ()
    assert {query.query_id: query.split for query in found.queries} == {"q1": "train", "q2": "dev"}
    assert set(found.qrels) == {Qrel("q1", "p1", 1), Qrel("q2", "p2", 2)}


def test_a_qrels_file_of_another_name_tells_no_split(folder: Path) -> None:
    judge(folder, "all.tsv", "q1\tp1\t1")
    assert [query.split for query in read_beir(folder).queries] == ["", ""]
    judge(folder, "train.tsv", "q1\tp2\t1")
    found = read_beir(folder)
    assert ([query.split for query in found.queries], found.problems) == (["train", ""], ())


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("packed", [False, True])
def test_every_spelling_reads_alike(start: bytes, end: str, packed: bool, tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    files = {
        "corpus.jsonl": jsonl(CORPUS, end),
        "queries.jsonl": jsonl(QUERIES, end),
        "qrels/test.tsv": f"query-id\tcorpus-id\tscore{end}q1\tp1\t1{end}q2\tp2\t0{end}".encode(),
    }
    for name, content in files.items():
        packed_content = gzip.compress(start + content)
        (tmp_path / f"{name}{'.gz' if packed else ''}").write_bytes(packed_content if packed else start + content)
    found = read_beir(tmp_path)
    assert found.problems == ()
    assert found.queries == (Query("q1", "first?", (), "test"), Query("q2", "second?", (), "test"))
    assert found.passages == (Passage("p1", "T", "one"), Passage("p2", "", "two"))
    assert found.qrels == (Qrel("q1", "p1", 1), Qrel("q2", "p2", 0))


def test_qrels_are_optional(folder: Path) -> None:
    (folder / "qrels").rmdir()
    assert read_beir(folder).qrels == ()


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        ("corpus.jsonl", {"_id": "p3", "text": 3}, "text must be a string"),
        ("corpus.jsonl", {"text": "x"}, "_id is missing"),
        ("corpus.jsonl", {"_id": "", "text": "x"}, "_id is missing"),
        ("corpus.jsonl", {"_id": 1.5, "text": "x"}, "_id must be a string"),
        ("corpus.jsonl", {"_id": "p3", "title": [], "text": "x"}, "title must be a string"),
        ("corpus.jsonl", {"_id": "p3", "text": "\ud800"}, "surrogate"),
        ("corpus.jsonl", {"_id": "p1", "title": "T", "text": "other"}, "differently on line 1"),
        ("corpus.jsonl", '{"_id": "p3"', "not JSON"),
        ("queries.jsonl", {"_id": "q3", "text": 3}, "text must be a string"),
        ("queries.jsonl", {"_id": True, "text": "x"}, "_id must be a string"),
        ("queries.jsonl", {"_id": "q2", "text": "other"}, "differently on line 2"),
        ("queries.jsonl", {"_id": "q3", "text": "x", "metadata": []}, "metadata must be an object"),
        ("queries.jsonl", {"_id": "q3", "text": "x", "metadata": {"answers": [""]}}, "answers is empty"),
        ("queries.jsonl", {"_id": "q3", "text": "x", "metadata": {"split": "exam"}}, "not 'exam'"),
    ],
)
def test_a_bad_row_is_named_and_the_next_is_read(folder: Path, name: str, line: Any, said: str) -> None:
    rows = CORPUS if name == "corpus.jsonl" else QUERIES
    (folder / name).write_bytes(jsonl([*rows, line, {"_id": 9, "text": "after"}]))
    found = read_beir(folder)
    assert [(each.file, each.line) for each in found.problems] == [(str(folder / name), 3)]
    assert said in found.problems[0].what
    kept = [each[0] for each in (found.passages if name == "corpus.jsonl" else found.queries)]
    assert kept == [row["_id"] for row in rows] + ["9"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("q1\tp1\t0.5", "whole number"),
        ("q1\tp1\tyes", "whole number"),
        ("q1\tp1", "expected"),
        ("\tp1\t1", "query id is missing"),
        ("q1\tp2\t0", "differently on line 2"),
    ],
)
def test_a_bad_judgement_is_named_and_the_next_is_read(folder: Path, line: str, said: str) -> None:
    path = judge(folder, "dev.tsv", "query-id\tcorpus-id\tscore", "q1\tp2\t1", line, "", "q2\tp2\t1")
    found = read_beir(folder)
    assert [(each.file, each.line) for each in found.problems] == [(str(path), 3)]
    assert said in found.problems[0].what
    assert found.qrels == (Qrel("q1", "p2", 1), Qrel("q2", "p2", 1))


def test_rows_without_text_and_ids_that_qrels_alone_name_are_kept(folder: Path) -> None:
    (folder / "corpus.jsonl").write_bytes(
        jsonl([*CORPUS, {"_id": "p3", "text": "  "}, {"_id": "p4"}, {"_id": "p5", "title": "Title alone"}])
    )
    (folder / "queries.jsonl").write_bytes(jsonl([*QUERIES, {"_id": "q3", "text": ""}]))
    judge(folder, "dev.tsv", "q1\tp9\t2", "q8\tp9\t1", "q3\tp1\t1")
    found = read_beir(folder)
    assert found.problems == ()
    assert list(found.passages[2:]) == [
        Passage("p3", "", ""), Passage("p4", "", ""), Passage("p5", "Title alone", ""),
    ]  # fmt: skip
    assert [query[:1] + query[3:4] for query in found.queries if not query.text] == [("q3", "dev"), ("q8", "dev")]
    assert set(found.qrels) == {Qrel("q1", "p9", 2), Qrel("q8", "p9", 1), Qrel("q3", "p1", 1)}


def test_a_query_in_two_splits_is_a_problem(folder: Path) -> None:
    judge(folder, "dev.tsv", "q1\tp1\t1")
    path = judge(folder, "test.tsv", "q1\tp2\t1")
    found = read_beir(folder)
    assert found.problems == (Problem(str(path), 1, "query 'q1' is in split test here and in split dev in dev.tsv"),)
    assert found.queries[0].split == "dev"


def test_a_query_that_names_another_split_than_its_qrels_is_a_problem(folder: Path) -> None:
    (folder / "queries.jsonl").write_bytes(jsonl([{"_id": "q1", "text": "x", "metadata": {"split": "train"}}]))
    path = judge(folder, "test.tsv", "q1\tp2\t1")
    assert [each[:2] for each in read_beir(folder).problems] == [(str(path), 1)]


def test_rows_repeated_identically_are_counted(folder: Path) -> None:
    (folder / "corpus.jsonl").write_bytes(jsonl([*CORPUS, CORPUS[0]]))
    (folder / "queries.jsonl").write_bytes(jsonl([*QUERIES, QUERIES[1], QUERIES[1]]))
    judge(folder, "dev.tsv", "q1\tp1\t1", "q1\tp1\t1")
    found = read_beir(folder)
    assert found.problems == ()
    assert found.duplicates == 4
    assert (len(found.queries), len(found.passages), len(found.qrels)) == (2, 2, 1)


def test_an_unquoted_quotation_mark_belongs_to_the_id(folder: Path) -> None:
    (folder / "queries.jsonl").write_bytes(jsonl([{"_id": '"open', "text": "x"}, {"_id": 'in"ch', "text": "y"}]))
    judge(folder, "dev.tsv", '"open\tp1\t1', 'in"ch\tp1\t1')
    found = read_beir(folder)
    assert found.problems == ()
    assert len(found.qrels) == 2


def test_what_is_no_beir_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no such folder.*corpus\.jsonl"):
        read_beir(tmp_path / "nowhere")
    with pytest.raises(BadInput, match=r"holds no corpus\.jsonl"):
        read_beir(tmp_path)
    (tmp_path / "corpus.jsonl").touch()
    (tmp_path / "corpus.jsonl.gz").touch()
    with pytest.raises(BadInput, match="holds both"):
        read_beir(tmp_path)


def test_an_id_that_would_break_a_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="line end"):
        write_beir([], [], [Qrel("a\nb", "p", 1)], tmp_path)
