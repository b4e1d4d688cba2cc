"""Ingest: looked at first, then written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import PASSAGES, QRELS, QUERIES, nothing
from tests.profiles import examples
from tests.rankings import by_query
from tests.workspaces import copy_of
from workbench.errors import BadInput, Conflict, UnknownName
from workbench.formats import write_run
from workbench.formats.beir import write_beir
from workbench.records import Passage, Qrel, Query
from workbench.steps.annotate.annotate import annotate
from workbench.steps.data.export import export
from workbench.steps.data.ingest import ingest, keep
from workbench.steps.data.preview import preview
from workbench.steps.data.readers import IngestSettings
from workbench.store import Added, Store, views

SKIP = IngestSettings(skip_bad_lines=True)
PLAIN = ("a", "b", "c", "d")


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    write_beir(QUERIES, PASSAGES, QRELS, tmp_path / "beir")
    return tmp_path / "beir"


@pytest.fixture
def plain(tmp_path: Path) -> Store:
    """Return a workspace whose ids a TREC file can hold."""
    return copy_of(three_queries, tmp_path / "plain")


def three_queries(store: Store) -> None:
    """Fill a store with two test queries, one train query and four passages."""
    queries = [Query("q1", "one", (), "test"), Query("q2", "two", (), "test"), Query("q3", "three", (), "train")]
    store.add_collection(queries, [Passage(name, "", f"text {name}") for name in PLAIN], [Qrel("q1", "a", 1)])


def held(store: Store) -> tuple[object, ...]:
    return views.queries(store), views.passages(store), views.qrels(store)


def with_lines(path: Path, *lines: str) -> Path:
    """Append lines to a file, or begin it with them."""
    before = path.read_text("utf-8") if path.exists() else ""
    path.write_text(before + "".join(f"{line}\n" for line in lines), "utf-8")
    return path


def test_a_preview_shows_everything_and_writes_nothing(empty: Store, beir: Path) -> None:
    before = empty.revision()
    seen = preview("beir", beir, store=empty)
    assert seen.counts == {"queries": 4, "passages": 4, "qrels": 4}
    assert (seen.problems, empty.revision(), views.counts(empty).passages) == ((), before, 0)


def test_what_is_written_is_what_the_files_hold(empty: Store, beir: Path) -> None:
    done = ingest(empty, "beir", beir)
    assert done.added == Added(queries=4, passages=4, qrels=4)
    assert held(empty) == (sorted(QUERIES), sorted(PASSAGES), sorted(QRELS))


def test_the_same_files_twice_change_nothing(empty: Store, beir: Path) -> None:
    ingest(empty, "beir", beir)
    before = held(empty)
    assert ingest(empty, "beir", beir).added == Added(unchanged=12)
    assert held(empty) == before


def test_a_bad_line_stops_it_with_its_place_before_anything_is_written(empty: Store, beir: Path) -> None:
    with_lines(beir / "queries.jsonl", '{"_id": "fine", "text": "A good one?"}', "{not json")
    with pytest.raises(BadInput, match=r"queries\.jsonl, line 6: not JSON") as trouble:
        ingest(empty, "beir", beir)
    assert (trouble.value.file, trouble.value.line) == (str(beir / "queries.jsonl"), 6)
    assert "Nothing was written" in trouble.value.hint
    assert held(empty) == ([], [], [])


def test_skipped_lines_are_listed_each(empty: Store, beir: Path) -> None:
    with_lines(beir / "queries.jsonl", "{not json", '{"_id": "fine", "text": "A good one?"}')
    with_lines(beir / "corpus.jsonl", '{"text": "no id"}')
    done = ingest(empty, "beir", beir, SKIP)
    assert [(Path(each.file).name, each.line) for each in done.skipped] == [("corpus.jsonl", 5), ("queries.jsonl", 5)]
    assert done.added == Added(queries=5, passages=4, qrels=4)
    assert "fine" in {query.query_id for query in views.queries(empty)}


def test_new_content_needs_to_be_asked_for(store: Store, tmp_path: Path) -> None:
    changed = PASSAGES[0]._replace(text="Another text.")
    write_beir(QUERIES, [changed, *PASSAGES[1:]], QRELS, tmp_path / "changed")
    with pytest.raises(Conflict, match="p/1"):
        ingest(store, "beir", tmp_path / "changed")
    assert PASSAGES[0] in views.passages(store)
    done = ingest(store, "beir", tmp_path / "changed", IngestSettings(replace=True))
    assert done.added.replaced == 1
    assert changed in views.passages(store)
    assert "p/1" not in {row.passage_id for row in views.utilities(store, "toy")}


def test_a_table_is_read_with_its_own_column_names(empty: Store, tmp_path: Path) -> None:
    file = with_lines(tmp_path / "pairs.csv", "frage,context,split", "What is salt?,The sea is salt.,test")
    with pytest.raises(BadInput, match="how relevant"):
        ingest(empty, "table", file, IngestSettings(columns={"query": "frage"}))
    ingest(empty, "table", file, IngestSettings(columns={"query": "frage"}, relevance=2))
    (qrel,) = views.qrels(empty, "test")
    assert qrel.relevance == 2


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [("qrels", "q1 0 b 1", "q1 0 nothing yes"), ("run", "q1 Q0 b 1 0.5 x", "q9 Q0 b 2 high x")],
)
def test_judgements_and_rankings_that_cannot_be_read_are_problems_with_their_line(
    plain: Store, tmp_path: Path, kind: str, good: str, bad: str
) -> None:
    file = with_lines(tmp_path / "file", good, bad)
    before = held(plain)
    with pytest.raises(BadInput, match=r"line 2: \w+ must be a") as trouble:
        ingest(plain, kind, file)
    assert trouble.value.line == 2
    assert (held(plain), views.runs(plain)) == (before, [])
    done = ingest(plain, kind, file, SKIP)
    assert [problem.line for problem in done.skipped] == [2]
    assert done.hits == (1 if kind == "run" else 0)
    assert done.added.qrels == (1 if kind == "qrels" else 0)


def test_a_run_comes_in_trec_evals_order_and_one_a_split(plain: Store, tmp_path: Path) -> None:
    file = with_lines(
        tmp_path / "theirs.run",
        "q1 Q0 a 1 0.5 theirs",  # the ranks in the file say nothing
        "q1 Q0 b 2 0.75 theirs",
        "q1 Q0 c 3 0.5 theirs",
        "q3 Q0 a 9 -1 theirs",
    )
    assert ingest(plain, "run", file).hits == 4
    assert [(run.run, run.split, run.depth) for run in views.runs(plain)] == [
        ("theirs@test", "test", 3),
        ("theirs@train", "train", 1),
    ]
    test = views.find_run(plain, "theirs", "test")
    assert [(hit.passage_id, hit.rank) for hit in views.hits(plain, test)] == [("b", 1), ("c", 2), ("a", 3)]
    assert test.collection == views.collection_fingerprint(plain)


def test_a_run_twice_changes_nothing_and_another_of_that_name_replaces_none_unasked(
    plain: Store, tmp_path: Path
) -> None:
    file = with_lines(tmp_path / "theirs.run", "q1 Q0 a 1 0.5 theirs")
    ingest(plain, "run", file)
    before = plain.revision()
    assert ingest(plain, "run", file).hits == 0
    assert plain.revision() == before
    other = with_lines(tmp_path / "other.run", "q1 Q0 b 1 0.5 theirs")
    with pytest.raises(Conflict, match="another run of 'theirs'"):
        ingest(plain, "run", other)
    assert ingest(plain, "run", other, IngestSettings(replace=True)).hits == 1
    assert views.rankings(plain, views.find_run(plain, "theirs", "test")) == {"q1": [("b", 0.5)]}


pairs = st.tuples(st.sampled_from(["q1", "q2"]), st.sampled_from(PLAIN))
similarities = st.one_of(st.sampled_from([0.5, 0.25]), st.floats(-1, 1))


@examples(8)
@given(st.dictionaries(pairs, similarities, min_size=1))
def test_a_run_that_goes_out_and_comes_back_is_the_same(
    plain: Store, tmp_path: Path, ranked: dict[tuple[str, str], float]
) -> None:
    lines = [f"{query} Q0 {passage} 0 {value!r} mine" for (query, passage), value in ranked.items()]
    (tmp_path / "first.run").unlink(missing_ok=True)
    ingest(plain, "run", with_lines(tmp_path / "first.run", *lines), IngestSettings(replace=True))
    before = views.find_run(plain, "mine", "test")
    hits = views.hits(plain, before)
    export(plain, "run", tmp_path / "again.run", student="mine")
    other = Store(tmp_path / "other", create=True)
    other.add_collection(views.queries(plain), views.passages(plain))
    ingest(other, "run", tmp_path / "again.run", IngestSettings(replace=True))
    after = views.find_run(other, "mine", "test")
    assert views.hits(other, after) == hits
    assert (after.depth, after.collection) == (before.depth, before.collection)


# Ids whose order differs by alphabet, by UTF-16 or by case; similarities that tie, also as -0.0 and 0.0.
ODD = ("a", "A", "é", "z", "\uffee", "\U00010000", "10", "9", '"a"', "NA", "a\u00a0b", "\x00", "'")
odd_ids = st.one_of(st.sampled_from(ODD), st.text("ab\u00e9\ud7ff\ue000\U0001f600", min_size=1, max_size=3))
ties = st.one_of(st.sampled_from([0.5, 0.25, 0.0, -0.0, 1e-300, 5e-324]), st.floats(-1e308, 1e308))


@examples(40)
@given(ranked=st.dictionaries(st.tuples(st.sampled_from(["q1", "é", "10"]), odd_ids), ties, min_size=1))
def test_a_run_read_in_bulk_is_the_run_read_line_by_line(
    tmp_path_factory: pytest.TempPathFactory, ranked: dict[tuple[str, str], float]
) -> None:
    folder = tmp_path_factory.mktemp("both")
    write_run("theirs", by_query((*pair, similarity) for pair, similarity in ranked.items()), folder / "their.run")
    found = []
    for name in ("bulk", "lines"):
        store = copy_of(nothing, folder / name)
        splits = {"q1": "test", "é": "test", "10": "train"}
        store.add_collection(
            [Query(query_id, "text", (), split) for query_id, split in splits.items()],
            [Passage(passage_id, "", "text") for passage_id in sorted({passage_id for _, passage_id in ranked})],
        )
        if name == "bulk":
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("workbench.steps.data.ingest.read_files", None)  # reading line by line would fail
                assert ingest(store, "run", folder / "their.run").hits == len(ranked)
        else:
            keep(store, preview("run", folder / "their.run", store=store), IngestSettings())
        found.append(([run._replace(created=None) for run in views.runs(store)], [
            hit for run in views.runs(store) for hit in views.hits(store, run)
        ]))  # fmt: skip
    assert found[0] == found[1]
    for query_id in {query_id for query_id, _ in ranked}:
        expected = sorted(
            ((similarity, passage_id) for (of, passage_id), similarity in ranked.items() if of == query_id),
            reverse=True,
        )
        got = [(hit.similarity, hit.passage_id) for hit in found[0][1] if hit.query_id == query_id]
        assert got == expected


def test_a_conflict_on_one_split_writes_none_of_the_others(plain: Store, tmp_path: Path) -> None:
    ingest(plain, "run", with_lines(tmp_path / "first.run", "q3 Q0 a 1 0.5 theirs"))
    both = with_lines(tmp_path / "both.run", "q1 Q0 a 1 0.5 theirs", "q3 Q0 b 1 0.5 theirs")
    before = plain.revision()
    with pytest.raises(Conflict, match="'theirs' on the train split"):
        ingest(plain, "run", both)
    assert ([run.run for run in views.runs(plain)], plain.revision()) == (["theirs@train"], before)
    assert ingest(plain, "run", both, IngestSettings(replace=True)).hits == 2
    assert [hit.passage_id for hit in views.hits(plain, views.find_run(plain, "theirs", "train"))] == ["b"]


def test_a_pair_ranked_twice_is_named_with_both_lines(plain: Store, tmp_path: Path) -> None:
    file = with_lines(tmp_path / "twice.run", "q1 Q0 a 1 0.5 x", "q2 Q0 a 1 0.5 x", "q1 Q0 a 2 0.25 x")
    with pytest.raises(BadInput, match=r"line 3: .*on line 1"):
        ingest(plain, "run", file)
    assert views.runs(plain) == []


def test_qrels_that_go_out_and_come_back_are_the_same(plain: Store, tmp_path: Path) -> None:
    plain.add_collection((), (), [Qrel("q1", "b", 0), Qrel("q2", "c", 3), Qrel("q3", "d", 1)])
    made = export(plain, "qrels", tmp_path / "test.qrels")
    assert made.rows == 3
    other = Store(tmp_path / "other", create=True)
    other.add_collection(views.queries(plain), views.passages(plain))
    ingest(other, "qrels", made.path)
    assert views.qrels(other) == views.qrels(plain, "test")


def test_a_kind_that_nobody_reads_is_named_with_those_there_are(empty: Store, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="beir, table, qrels, run"):
        ingest(empty, "parquet", tmp_path)


def test_importing_again_says_of_every_kind_what_was_there(store: Store, tmp_path: Path) -> None:
    written = {
        "beir": ("0 queries, 0 passages and 0 qrels added", "12 rows were there already"),
        "qrels": ("0 queries, 0 passages and 0 qrels added", "1 rows were there already"),
        "utilities": ("0 utilities added", "8 utilities were there already"),
        "annotations": ("0 annotations added", "1 annotations were there already"),
        "run": ("0 hits added", "1 hits were there already"),
    }
    with_lines(tmp_path / "run", "q1 Q0 03 1 0.5 theirs")
    ingest(store, "run", tmp_path / "run")
    with_lines(tmp_path / "qrels", "q1 0 p/1 1")
    annotate(store, "q1", "p/1", "useful", annotator="ada")
    export(store, "beir", tmp_path / "beir")
    export(store, "utilities", tmp_path / "utilities.jsonl")
    export(store, "annotations", tmp_path / "annotations.jsonl")
    for kind, (added, unchanged) in written.items():
        path = next(path for path in (tmp_path / kind, tmp_path / f"{kind}.jsonl") if path.exists())
        words = ingest(store, kind, path).in_words
        assert words.startswith(f"{added} from {path}; {unchanged}."), words
