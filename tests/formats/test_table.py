"""Tables in every form: roles of columns, derived ids, round trips, and every kind of problem with its line."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadInput, UnknownName
from workbench.formats import Problem, read_table
from workbench.records import SPLITS, Passage, Qrel, Query

ARCHITECTURES = ["jsonl", "csv", "tsv", "parquet", "jsonl.gz", "csv.gz"]
# Half a surrogate pair is no character; a lone CR is a line end to the csv module, within quotes too.
TEXTS = st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip)
IDS = st.one_of(TEXTS, st.sampled_from(["007", " ", '"', "a\tb", "a,b", "a\r\nb", "﻿", "http://x/?a=1"]))


def write(rows: list[dict[str, Any]], path: Path) -> Path:
    """Write rows in the form that the path names; lists in a cell are JSON."""
    form, _, packed = path.name.partition(".")[2].partition(".")
    if form == "parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
        return path
    with (
        gzip.open(path, "wt", encoding="utf-8", newline="") if packed else path.open("w", encoding="utf-8", newline="")
    ) as file:
        if form == "jsonl":
            file.writelines(json.dumps(row) + "\n" for row in rows)
        else:
            table = csv.DictWriter(file, list(rows[0]), delimiter="," if form == "csv" else "\t")
            table.writeheader()
            table.writerows(
                {name: json.dumps(cell) if isinstance(cell, list) else cell for name, cell in row.items()}
                for row in rows
            )
    return path


@st.composite
def pairs(draw: st.DrawFn) -> list[tuple[Query, Passage, Qrel]]:
    tags = st.lists(TEXTS.map(str.strip), unique=True, max_size=2).map(tuple)
    answers = st.lists(TEXTS, unique=True, max_size=2).map(tuple)
    split = st.sampled_from(["", *SPLITS])
    queries = [
        Query(each, draw(TEXTS), draw(answers), draw(split), draw(tags))
        for each in draw(st.lists(IDS, unique=True, min_size=1, max_size=3))
    ]
    passages = [
        Passage(each, draw(st.text(st.characters(codec="utf-8"), max_size=5)), draw(TEXTS))
        for each in draw(st.lists(IDS, unique=True, min_size=1, max_size=3))
    ]
    every = [(query, passage) for query in queries for passage in passages]
    chosen = draw(st.lists(st.sampled_from(every), unique=True, min_size=1))
    return [(q, p, Qrel(q.query_id, p.passage_id, draw(st.integers(-1, 3)))) for q, p in chosen]


@given(rows=pairs(), form=st.sampled_from(ARCHITECTURES))
def test_a_row_a_pair_reads_back(
    rows: list[tuple[Query, Passage, Qrel]], form: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    table = [
        {
            "query_id": query.query_id,
            "query": query.text,
            "answers": list(query.answers),
            "split": query.split,
            "tags": list(query.tags),
            "passage_id": passage.passage_id,
            "title": passage.title,
            "passage": passage.text,
            "relevance": qrel.relevance,
        }
        for query, passage, qrel in rows
    ]
    found = read_table(write(table, tmp_path_factory.mktemp("table") / f"t.{form}"))
    assert (found.problems, found.duplicates) == ((), 0)
    assert set(found.queries) == {query for query, _, _ in rows}
    assert set(found.passages) == {passage for _, passage, _ in rows}
    assert found.qrels == tuple(qrel for _, _, qrel in rows)


@given(rows=pairs(), form=st.sampled_from(ARCHITECTURES))
def test_a_row_a_query_with_its_passages_reads_back(
    rows: list[tuple[Query, Passage, Qrel]], form: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    table = []
    for query in dict.fromkeys(query for query, _, _ in rows):
        passages = [
            {"id": passage.passage_id, "title": passage.title, "text": passage.text, "relevance": qrel.relevance}
            for _, passage, qrel in rows
            if qrel.query_id == query.query_id
        ]
        table.append(
            {"id": query.query_id, "question": query.text, "answers": list(query.answers), "passages": passages}
        )
    found = read_table(write(table, tmp_path_factory.mktemp("table") / f"t.{form}"))
    assert (found.problems, found.duplicates) == ((), 0)
    assert set(found.queries) == {query._replace(split="", tags=()) for query, _, _ in rows}
    assert set(found.passages) == {passage for _, passage, _ in rows}
    assert set(found.qrels) == {qrel for _, _, qrel in rows}


@given(texts=st.lists(TEXTS, unique=True, min_size=1, max_size=4), form=st.sampled_from(ARCHITECTURES))
def test_the_same_text_has_the_same_derived_id_in_every_form(
    texts: list[str], form: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("table")
    asked = read_table(write([{"question": text} for text in texts], folder / f"q.{form}"))
    again = read_table(write([{"query": text} for text in reversed(texts)], folder / "again.jsonl"))
    assert [query.text for query in asked.queries] == texts
    assert len({query.query_id for query in asked.queries}) == len(texts)
    assert asked.queries == tuple(reversed(again.queries))


def test_derived_ids_do_not_change_between_versions(tmp_path: Path) -> None:
    found = read_table(write([{"query": "who?", "title": "T", "passage": "me"}], tmp_path / "t.csv"), relevance=1)
    assert found.qrels == (Qrel("q-c95d0ac620430cbd", "p-d435bc5a6bd4d29a", 1),)


def test_a_title_is_part_of_what_a_passage_is(tmp_path: Path) -> None:
    rows = [{"title": "ab", "passage": "c"}, {"title": "a", "passage": "bc"}, {"title": "ab", "passage": "c"}]
    found = read_table(write(rows, tmp_path / "t.jsonl"))
    assert (len({passage.passage_id for passage in found.passages}), found.duplicates) == (2, 1)


def test_columns_may_have_other_names(tmp_path: Path) -> None:
    path = write([{"q": "who?", "question": "me", "n": 7}], tmp_path / "t.parquet")
    found = read_table(path, {"query": "q", "passage": "question", "query_id": "n"}, relevance=2)
    assert found.queries == (Query("7", "who?"),)
    assert [passage.text for passage in found.passages] == ["me"]
    assert [qrel.relevance for qrel in found.qrels] == [2]


def test_a_bare_id_is_the_passages_where_there_are_no_queries(tmp_path: Path) -> None:
    found = read_table(write([{"_id": 7, "title": "T", "text": "x", "label": "sports"}], tmp_path / "t.jsonl"))
    assert (found.passages, found.queries, found.problems) == ((Passage("7", "T", "x"),), (), ())


def test_a_title_alone_is_a_passage_and_an_id_alone_a_passage_without_text(tmp_path: Path) -> None:
    rows = [{"id": "t", "title": "T", "text": ""}, {"id": "n", "title": "", "text": " "}, {"id": "n"}]
    for name in ("t.jsonl", "t.parquet"):
        found = read_table(write(rows, tmp_path / name))
        assert (found.passages, found.problems) == ((Passage("t", "T", ""), Passage("n", "", "")), ())
    listed = read_table(
        write([{"query": "q?", "passages": [{"title": "T"}, {"id": "n"}]}], tmp_path / "l.jsonl"), None, 1
    )
    assert [passage[1:3] for passage in listed.passages] == [("T", ""), ("", "")]
    assert [passage.has_text for passage in listed.passages] == [True, False]


def test_squad_as_its_data_set_card_has_it(tmp_path: Path) -> None:
    row = {"id": "5", "title": "T", "context": "In Paris.", "question": "Where?"}
    found = read_table(
        write([row | {"answers": {"text": ["Paris", "Paris"], "answer_start": [3, 3]}}], tmp_path / "t.parquet"),
        relevance=1,
    )
    assert found.queries == (Query("5", "Where?", ("Paris",)),)
    assert found.passages[0][1:3] == ("T", "In Paris.")


def test_passages_of_unknown_relevance_get_no_qrel_and_one_problem(tmp_path: Path) -> None:
    path = write([{"query": "a", "passages": ["x"]}, {"query": "b", "passages": ["y", "z"]}], tmp_path / "t.jsonl")
    found = read_table(path)
    assert (len(found.queries), len(found.passages), found.qrels) == (2, 3, ())
    assert [(each.file, each.line) for each in found.problems] == [(str(path), 1)]
    assert "this and 2 further passages" in found.problems[0].what
    assert len(read_table(path, relevance=1).qrels) == 3


def test_rows_that_say_nothing_new_are_counted(tmp_path: Path) -> None:
    rows = [{"query": "a", "passage": "x"}, {"query": "a", "passage": "y"}, {"query": "a", "passage": "x"}]
    found = read_table(write(rows, tmp_path / "t.csv"), relevance=1)
    assert (found.problems, found.duplicates, len(found.queries), len(found.qrels)) == ((), 1, 1, 2)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"query": " "}, "query is empty"),
        ({"query": None}, "query is empty"),
        ({"query": 3}, "query must be a string"),
        ({"query_id": None}, "query_id is missing"),
        ({"query_id": 1.5}, "query_id must be"),
        ({"query_id": "a"}, "differently on line 1"),
        ({"answers": "['x']"}, "not JSON"),
        ({"split": "exam"}, "split must be"),
        ({"passage_id": "pa"}, "differently on line 1"),
        ({"relevance": "much"}, "relevance must be"),
        ({"passages": "x"}, "not JSON"),
        ({"passages": {"text": "x"}}, "must be a list"),
        ({"passages": [3]}, "a passage must be"),
        ({"passages": [{"text": " "}]}, "the text of a passage is empty"),
        ({"passages": [{"text": "z", "id": 0.5}]}, "the id of a passage"),
        ({"passages": [{"text": "z", "relevance": 0.5}]}, "relevance must be"),
    ],
)
def test_a_bad_row_is_named_and_the_next_is_read(row: dict[str, Any], said: str, tmp_path: Path) -> None:
    def good(name: str) -> dict[str, Any]:
        return {
            "query_id": name,
            "query": f"{name}?",
            "passage_id": f"p{name}",
            "passage": f"about {name}",
            "relevance": 1,
        }

    path = write([good("a"), good("b") | row, good("c")], tmp_path / "t.jsonl")
    found = read_table(path)
    assert [(each.file, each.line) for each in found.problems] == [(str(path), 2)]
    assert said in found.problems[0].what
    assert {qrel.query_id for qrel in found.qrels} == {"a", "c"}


def test_a_problem_of_a_record_stands_on_the_line_where_it_begins(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(
        b'\xef\xbb\xbfquery,split\r\n"two\r\nlines",train\r\n\r\n"three\r\n\r\nlines",exam\r\nfour\r\nfi\xffve,dev\r\n"six"x,dev\r\nseven,dev\r\n'
    )
    found = read_table(path)
    assert [(query.text, query.split) for query in found.queries] == [("two\r\nlines", "train"), ("seven", "dev")]
    assert [each.line for each in found.problems] == [5, 8, 9, 10]
    assert found.problems[1] == Problem(str(path), 8, "the row has 1 cells, the header has 2")
    assert found.problems[2].what == "not UTF-8"


def test_a_quotation_mark_that_is_never_closed_swallows_nothing_silently(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('query,split\none,dev\n"two,dev\nthree,dev\n')
    found = read_table(path)
    assert [query.text for query in found.queries] == ["one"]
    assert [each.line for each in found.problems] == [3]


def test_the_line_of_a_parquet_problem_is_its_row(tmp_path: Path) -> None:
    found = read_table(write([{"query": "a"}, {"query": ""}], tmp_path / "t.parquet"))
    assert [each.line for each in found.problems] == [2]


def test_cells_may_be_long(tmp_path: Path) -> None:
    path = write([{"passage": "x" * 300_000}], tmp_path / "t.csv")
    before = csv.field_size_limit(1_000)
    try:
        found = read_table(path)
        assert csv.field_size_limit() == 1_000
    finally:
        csv.field_size_limit(before)
    assert (len(found.passages[0].text), found.problems) == (300_000, ())


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.csv", "a,b\n1,2\n", "no column holds queries or passages. Columns: a, b"),
        ("t.csv", "", "no header"),
        ("t.csv", '"query"x,split\na,dev\n', "the header is not well quoted"),
        ("t.tsv", "query\tquery\n", "names a column twice: query"),
        ("t.jsonl", "", "no column holds"),
        ("t.parquet", "no", "not a readable Parquet file"),
        ("t.jsonl", None, "no such file"),
        ("t.parquet", None, "no such file"),
    ],
)
def test_a_table_of_which_nothing_can_be_read_is_refused(
    name: str, content: str | None, said: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(BadInput, match=said) as caught:
        read_table(tmp_path / name)
    assert caught.value.file == str(tmp_path / name)


def test_unknown_endings_roles_and_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"'\.xlsx'.*\.csv, \.jsonl"):
        read_table(tmp_path / "t.xlsx")
    path = write([{"query": "a"}], tmp_path / "t.csv")
    with pytest.raises(UnknownName, match=r"'topic'.*query, passage"):
        read_table(path, {"topic": "query"})
    with pytest.raises(BadInput, match=r"no column 'q'.*Columns: query"):
        read_table(path, {"query": "q"})
    with pytest.raises(BadInput, match="found a folder"):
        read_table(tmp_path)


def test_a_row_without_query_and_passage_is_named(tmp_path: Path) -> None:
    found = read_table(write([{"passages": ["x"]}, {"passages": []}, {"passages": None}], tmp_path / "t.jsonl"))
    assert ([each.line for each in found.problems], found.duplicates) == ([2, 3], 0)


def test_a_column_that_was_given_a_role_takes_no_other(tmp_path: Path) -> None:
    found = read_table(write([{"question": "x"}], tmp_path / "t.csv"), {"passage": "question"})
    assert ([passage.text for passage in found.passages], found.queries, found.problems) == (["x"], (), ())
