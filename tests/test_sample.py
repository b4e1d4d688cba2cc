"""The bundled sample: what its README promises."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from workbench.formats import Collection, read_beir
from workbench.sample import SAMPLE
from workbench.sample.cut import WANTED, cut


@pytest.fixture(scope="module")
def sample() -> Collection:
    return read_beir(SAMPLE)


def test_it_reads_without_a_problem(sample: Collection) -> None:
    assert (sample.problems, sample.duplicates) == ((), 0)


def test_counts_are_those_of_its_readme(sample: Collection) -> None:
    splits = Counter(query.split for query in sample.queries)
    assert splits == {"train": 1121, "dev": 356, "test": 504}
    assert (len(sample.passages), len(sample.queries), len(sample.qrels)) == (740, 1981, 1981)
    readme = (SAMPLE / "README.md").read_text(encoding="utf-8")
    for count in [*splits.values(), len(sample.passages), len(sample.queries)]:
        assert f"{count:,} " in readme


def test_every_query_has_an_answer_in_its_passage(sample: Collection) -> None:
    passages = {passage.passage_id: passage.text for passage in sample.passages}
    queries = {query.query_id: query for query in sample.queries}
    assert {qrel.query_id for qrel in sample.qrels} == set(queries)
    for qrel in sample.qrels:
        assert any(answer in passages[qrel.passage_id] for answer in queries[qrel.query_id].answers)


def test_no_article_is_in_two_splits(sample: Collection) -> None:
    splits = {query.query_id: query.split for query in sample.queries}
    titles = {passage.passage_id: passage.title for passage in sample.passages}
    articles = {(titles[qrel.passage_id], splits[qrel.query_id]) for qrel in sample.qrels}
    assert len(articles) == len({title for title, _ in articles}) == len(set(titles.values())) == 17


def test_a_query_is_tagged_with_the_title_of_its_article(sample: Collection) -> None:
    titles = {passage.passage_id: passage.title for passage in sample.passages}
    tags = {query.query_id: query.tags for query in sample.queries}
    assert all(tags[qrel.query_id] == (titles[qrel.passage_id],) for qrel in sample.qrels)


def test_it_stays_small_and_names_its_licence() -> None:
    assert sum(file.stat().st_size for file in SAMPLE.rglob("*") if file.is_file()) < 1_500_000
    assert "creativecommons.org/licenses/by-sa/4.0/" in (SAMPLE / "LICENSE").read_text(encoding="utf-8")


def test_cutting_it_again_changes_nothing(tmp_path: Path) -> None:
    cut(SAMPLE, tmp_path)
    names = ["corpus.jsonl", "queries.jsonl", *(f"qrels/{split}.tsv" for split in WANTED)]
    assert [(tmp_path / name).read_bytes() for name in names] == [(SAMPLE / name).read_bytes() for name in names]
