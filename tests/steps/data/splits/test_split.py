"""Split: which queries train, choose and test; sizes, groups, seeds, and what stays."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workbench as wb
from tests.conftest import run, utility
from tests.shell import shell, worked
from tests.steps.classes import collection
from tests.steps.compare.leaking import leaking
from tests.workspaces import copy_of
from workbench.records import SPLITS, Candidate, Hit, Passage, Qrel, Query
from workbench.steps.data.splits.groups import connected, placed
from workbench.store import Store, views
from workbench.store.splits import SplitQuery

TOPICS = 20


def _splits(store: Store) -> dict[str, str]:
    return {query.query_id: query.split for query in views.queries(store)}


@pytest.fixture
def leaky(empty: Store) -> Store:
    """Return a workspace of 20 passages with five queries each, all of them of the test split."""
    queries = [Query(f"-q {topic}/{n}", f"what{topic} {n}", (), "test") for topic in range(TOPICS) for n in range(5)]
    passages = [Passage(f"p{topic}", "", f"text{topic}") for topic in range(TOPICS)]
    qrels = [Qrel(query.query_id, f"p{query.query_id.split()[1].split('/')[0]}", 1) for query in queries]
    empty.add_collection(queries, passages, qrels)
    return empty


def test_by_query_has_the_shares_and_says_what_leaks(leaky: Store) -> None:
    result = wb.split(leaky)
    assert [tuple(size) for size in result.splits] == [("train", 60, 60), ("dev", 20, 20), ("test", 20, 20)]
    assert result.leaks.of["test"].shared_passage > 15
    assert "`workbench split --by passages`" in result.in_words
    assert result.moved == 80


def test_by_passages_none_is_on_both_sides(leaky: Store) -> None:
    result = wb.split(leaky, by="passages")
    assert {size.split: size.queries for size in result.splits} == {"train": 60, "dev": 20, "test": 20}
    assert (result.leaks.of, result.largest) == ({}, 5)
    assert "--by" not in result.in_words
    splits = _splits(leaky)
    assert all(len({splits[f"-q {topic}/{n}"] for n in range(5)}) == 1 for topic in range(TOPICS))


def test_near_duplicates_hold_groups_together(empty: Store) -> None:
    text = "a passage of more than nine words that is found on two pages of one site, number {}"
    passages = [
        Passage("a", "", text.format("")),
        Passage("b", "", text.format("") + " too"),
        Passage("c", "", "Salt."),
    ]
    queries = [
        Query("q1", "first?"),
        Query("q2", "another one?"),
        Query("q3", "WHICH is it?"),
        Query("q4", "which is it"),
    ]
    empty.add_collection(
        [*queries, *(Query(f"r{n}", f"r{n}") for n in range(8))], passages, [Qrel("q1", "a", 1), Qrel("q2", "b", 2)]
    )
    empty.add_collection(qrels=[Qrel(f"r{n}", "c", 0) for n in range(8)])
    with pytest.raises(wb.NothingToDo, match="largest undivided group has 2 of 12"):
        wb.split(empty, by="passages")
    wb.split(empty, by="passages", shares={"train": 1})
    empty.add_collection(
        passages=[Passage(f"d{n}", "", f"d{n}") for n in range(8)], qrels=[Qrel(f"r{n}", f"d{n}", 1) for n in range(8)]
    )
    for seed in range(5):
        result = wb.split(empty, by="passages", shares=(2, 1, 1), seed=seed)
        splits = _splits(empty)
        assert (splits["q1"], splits["q3"], result.leaks.of) == (splits["q2"], splits["q4"], {})


def test_the_same_seed_splits_the_same_in_any_order(leaky: Store, tmp_path: Path) -> None:
    wb.split(leaky, seed=7)
    shuffled = views.queries(leaky)
    random.Random(1).shuffle(shuffled)
    other = Store(tmp_path / "other", create=True)
    other.add_collection(shuffled, views.passages(leaky), views.qrels(leaky)[::-1])
    wb.split(other, seed=7)
    assert _splits(other) == _splits(leaky)
    assert wb.split(leaky, seed=7).moved == 0
    assert wb.split(leaky, seed=8).moved > 0


def test_queries_of_a_kept_split_stay_and_nothing_shares_with_them(leaky: Store) -> None:
    wb.split(leaky, by="passages")
    before = _splits(leaky)
    result = wb.split(leaky, by="passages", keep=["test"], seed=2, shares=(0.5, 0.5, 0.9))
    after = _splits(leaky)
    assert [query for query, split in after.items() if split == "test"] == [q for q, s in before.items() if s == "test"]
    assert Counter(after.values()) == {"train": 40, "dev": 40, "test": 20}
    assert result.left_out == 0
    wb.split(leaky)  # now they share
    result = wb.split(leaky, by="passages", keep=["test"])
    assert result.left_out > 20
    assert result.leaks.of == {}
    assert "have none: they share something with queries that stay" in result.in_words


def test_of_splits_only_the_queries_of_one_split(leaky: Store) -> None:
    leaky.add_collection([Query("t", "train", (), "train")], [Passage("own", "", "own")], [Qrel("t", "own", 1)])
    leaky.add_collection([Query("u", "u", (), "test")], (), [Qrel("u", "own", 1)])
    wb.split(leaky, by="passages", of=["test"], shares=(0.6, 0.2, 0.2))
    assert _splits(leaky)["t"] == "train"
    assert _splits(leaky)["u"] == "train"  # it shares a passage with what is learnt on
    assert wb.leaks(leaky).of == {}


def test_by_tag_or_column_equal_ones_stay_together(leaky: Store, tmp_path: Path) -> None:
    tagged = [query._replace(tags=(f"t{query.query_id.split('/')[1]}",)) for query in views.queries(leaky)]
    leaky.add_collection(tagged)
    wb.split(leaky, by="tag")
    by_tag = {query.tags: query.split for query in views.queries(leaky)}
    assert all(query.split == by_tag[query.tags] for query in views.queries(leaky))
    table = tmp_path / "topics.csv"
    table.write_text("query_id,topic,x\n" + "".join(f"-q {n}/{m},{n % 4},\n" for n in range(TOPICS) for m in range(5)))
    result = wb.split(leaky, by=wb.Column(table, "topic"))
    assert (result.by, result.largest) == ("topic", 25)
    with pytest.raises(wb.BadInput, match="--column"):
        wb.split(leaky, by=table.as_posix())


def test_a_file_says_the_split(leaky: Store, tmp_path: Path) -> None:
    table = tmp_path / "splits.jsonl"
    table.write_text('{"query_id": "-q 0/0", "split": "train"}\n{"query_id": "-q 0/1", "split": "validation"}\n')
    result = wb.split(leaky, by=str(table))
    assert Counter(_splits(leaky).values()) == {"train": 1, "dev": 1, "test": 98}
    assert result.moved == 2
    table.write_text('{"query_id": "-q 0/0", "split": "train"}\n{"query_id": "nobody", "split": "dev"}\n')
    with pytest.raises(wb.BadInput, match="line 2: the workspace has no query 'nobody'"):
        wb.split(leaky, by=str(table))
    table.write_text('{"query_id": "-q 0/0", "split": "exam"}\n')
    with pytest.raises(wb.BadInput, match="line 1: split must be one of train, dev, test, not 'exam'"):
        wb.split(leaky, by=str(table))


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"shares": (1, 2)}, wb.BadSetting),
        ({"shares": (0, 0, 0)}, wb.BadSetting),
        ({"shares": (1, -1, 1)}, wb.BadSetting),
        ({"shares": {"exam": 1}}, wb.UnknownName),
        ({"keep": ["dev"]}, wb.UnknownName),
        ({"keep": ["test"]}, wb.NothingToDo),
        ({"keep": ["test"], "of": ["test"]}, wb.BadSetting),
        ({"by": "no such file.csv"}, wb.BadInput),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    leaky: Store, options: dict[str, object], error: type[Exception]
) -> None:
    revision = (wb.leaks(leaky), leaky.revision())[1]
    with pytest.raises(error):
        wb.split(leaky, **options)  # type: ignore[arg-type]
    assert leaky.revision() == revision


def test_nothing_is_lost_and_rankings_move_with_their_queries(store: Store) -> None:
    hits = {(hit.query_id, hit.passage_id, hit.rank) for run in views.runs(store) for hit in views.hits(store, run)}
    before = views.counts(store)
    wb.split(store, by="query", shares={"train": 1, "dev": 1, "test": 1})
    wb.split(store, by=_table(store, {"q1": "train"}))
    after = views.counts(store)
    assert (after.utilities, after.candidates, after.annotations) == (before.utilities, before.candidates, 0)
    moved = views.find_run(store, "after", "train")
    assert next(hit.passage_id for hit in views.hits(store, moved) if hit.query_id == "q1") == "p/1"
    assert hits == {(h.query_id, h.passage_id, h.rank) for run in views.runs(store) for h in views.hits(store, run)}


def _table(store: Store, splits: dict[str, str]) -> str:
    path = store.path / "splits.csv"
    path.write_text("query_id,split\n" + "".join(f"{query},{split}\n" for query, split in splits.items()))
    return str(path)


def test_a_run_of_part_of_a_split_is_stale(store: Store) -> None:
    fingerprint = views.collection_fingerprint(store)
    store.add_run(run("whole")._replace(collection=fingerprint), [Hit("whole@test", "q1", "p/1", 1, 1.0)])
    wb.split(store, by=_table(store, {"q1": "train", "q4": "test"}))  # nobody has ranked q4 or 007
    stale = {run.run: run.collection != fingerprint for run in views.runs(store) if run.student == "whole"}
    assert stale == {"whole@train": True}
    wb.split(store, by=_table(store, {"q1": "test", "q4": "dev", "007": "train"}))
    assert {run.run for run in views.runs(store) if run.student == "whole"} == {"whole@test"}


def test_a_new_ingest_forgets_utilities_only_with_their_text(store: Store) -> None:
    queries = [query._replace(split="dev" if query.split == "test" else query.split) for query in views.queries(store)]
    with pytest.raises(wb.Conflict, match="2 of the queries are in the workspace with another split or other tags"):
        store.add_collection(queries)
    store.add_collection(queries, replace=True)
    assert views.counts(store).utilities == 8
    assert {run.run for run in views.runs(store)} == {"before@dev", "after@dev"}
    store.add_collection([query._replace(split="") for query in queries], replace=True)
    assert _splits(store)["q1"] == "dev"
    store.add_collection([query._replace(text="Another?") for query in queries if query.query_id == "q1"], replace=True)
    assert {utility.query_id for utility in views.utilities(store, "toy")} == {"http://q/2?x=1"}
    assert _splits(store)["q1"] == "dev"


def test_a_student_trained_before_the_split_is_named_wherever_it_is_compared(tmp_path: Path) -> None:
    store = copy_of(leaking, tmp_path / "workspace")
    assert wb.diff(store, "base", "memory").early == ()
    queries = [query for query in views.queries(store) if query.split == "train"]
    wb.split(store, by=_table(store, {query.query_id: "dev" for query in queries}))
    diff, board = wb.diff(store, "base", "memory"), wb.leaderboard(store)
    assert (diff.early, board.early) == (("memory",), ("memory",))
    warning = "Trained before the last split, maybe on what is tested now: memory. Train anew."
    assert diff.in_words.endswith(warning)
    assert board.in_words.endswith(warning)
    recipe = store.students / "memory" / "student.json"
    recipe.write_text(recipe.read_text().replace('"created": "2026"', f'"created": "{datetime.now(UTC).isoformat()}"'))
    assert wb.diff(store, "base", "memory").early == ()


def test_students_trained_before_are_named(tmp_path: Path) -> None:
    from workbench import students

    store = collection(tmp_path / "workspace")
    folder = store.students / "old"
    folder.mkdir(parents=True)
    (folder / students.RECIPE).write_text('{"name": "old", "base": "b", "teacher": "t", "created": "2026"}')
    result = wb.split(store, by="passages", seed=3)
    assert (result.trained, result.leaks.of) == (("old",), {})
    assert "maybe on what is tested now: old. Train anew." in result.in_words


def test_the_shell_splits_and_says_so(leaky: Store) -> None:
    printed = worked("split", "--by", "passages", "--shares", "50,25,25", workspace=leaky.path)
    assert "50 train, 25 dev, 25 test queries" in printed.out
    listed = worked(
        "split", "--of", "test", "--keep", "train", "--shares", "0,1,1", "--json", workspace=leaky.path
    ).json
    assert [size["queries"] for size in listed["splits"]] == [50, 38, 12]
    refused = shell("split", "--shares", "a,b", workspace=leaky.path)
    assert (refused.code, "three numbers" in refused.err) == (1, True)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 12)), max_size=60), st.integers(0, 5))
def test_no_group_is_divided_and_sizes_follow_the_shares(shared: list[tuple[int, int]], seed: int) -> None:
    queries = [SplitQuery(f"q{n}", "", (), n % 3 > 0) for n in range(31)]
    groups = connected(queries, [(f"q{query}", f"p{passage}") for query, passage in shared])
    assert sorted(query for group in groups for query in group) == sorted(queries)
    shares = {"train": 0.6, "dev": 0.2, "test": 0.2}
    splits = placed(groups, {query.query_id for query in queries}, shares, seed)
    assert all(len({splits[query.query_id] for query in group}) == 1 for group in groups)
    assert splits.keys() == {query.query_id for query in queries}
    largest = max(map(len, groups))
    sizes = Counter(splits.values())
    assert all(sizes[split] <= share * 31 + 2 * largest for split, share in shares.items())
    assert set(sizes) <= set(SPLITS)


def test_what_is_in_both_stays_for_annotators_too(leaky: Store) -> None:
    leaky.add_candidates([Candidate("-q 0/0", "p0", "bm25")])
    leaky.add_scored([utility("-q 0/0", "p0", 1.0)], "nats per token")
    wb.annotate(leaky, "-q 0/0", "p0", "useful", "ada")
    wb.split(leaky)
    counts = views.counts(leaky)
    assert (counts.candidates, counts.utilities, counts.annotations) == (1, 1, 1)
