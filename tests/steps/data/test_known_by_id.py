"""Queries and passages known by id only: kept, measured and shown, never encoded, proposed or trained on."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import tiny
from tests.profiles import examples
from tests.shell import worked
from tests.steps.data.test_ingest import with_lines
from tests.workspaces import copy_of
from workbench.errors import BadInput, NothingToDo, UnknownName
from workbench.formats.beir import write_beir
from workbench.formats.trec import read_run
from workbench.records import Passage, Qrel, Query
from workbench.steps.annotate.annotate import annotate
from workbench.steps.compare.diff import diff
from workbench.steps.compare.evaluate import evaluate, measured
from workbench.steps.data import frames
from workbench.steps.data.export import export
from workbench.steps.data.ingest import ingest, keep
from workbench.steps.data.preview import preview
from workbench.steps.data.readers import IngestSettings
from workbench.steps.teach.candidates import candidates
from workbench.steps.teach.planning.plan import plan
from workbench.steps.teach.scoring.score import score
from workbench.store import Added, Store, views
from workbench.teachers import teacher
from workbench.trainer import TrainSettings

TEST = IngestSettings(split="test")
MEASURES = ("AP", "nDCG@10", "R@5", "RR")


@pytest.fixture
def plain(tmp_path: Path) -> Store:
    return copy_of(two_queries, tmp_path / "plain")


def two_queries(store: Store) -> None:
    """Fill a store with two test queries and four passages."""
    queries = [Query("q1", "text one", (), "test"), Query("q2", "text two", (), "test")]
    store.add_collection(queries, [Passage(name, "", f"text {name}") for name in "abcd"], [Qrel("q1", "a", 1)])


def three_passages(store: Store) -> None:
    """Fill a store with a test query, a dev query and three passages."""
    store.add_collection(
        [Query("q1", "one", (), "test"), Query("q2", "two", (), "dev")],
        [Passage(name, "", name) for name in ("b", "z", "9")],
    )


def graded_files(folder: Path) -> tuple[Path, Path]:
    """Write graded qrels and a run with ties over passages a to j and queries q1 to q4, all but six unknown."""
    drawn = random.Random(13)
    pairs = [(f"q{number}", name) for number in range(1, 5) for name in "abcdefghij"]
    qrels = [f"{query} 0 {name} {drawn.choice([0, 1, 2])}" for query, name in pairs if drawn.random() < 0.5]
    hits = [f"{query} Q0 {name} 0 {drawn.randrange(6) / 4} theirs" for query, name in pairs if drawn.random() < 0.8]
    return with_lines(folder / "their.qrels", *qrels), with_lines(folder / "their.run", *hits)


def test_a_preview_says_what_would_be_known_by_id_only(plain: Store, tmp_path: Path) -> None:
    # q2 is known by its text, a to d too; "a" in the run has a text, "q3", "-x" and "e" have none
    qrels = with_lines(tmp_path / "their.qrels", "q2 0 a 1", "q3 0 a 1", "q3 0 -x 0", "q2 0 e 1")
    run = with_lines(tmp_path / "their.run", "q1 Q0 a 0 2 theirs", "q1 Q0 ü 0 1 theirs", "q4 Q0 a 0 1 theirs")
    words = "; {} are named without a text, here or in the workspace, and would be known by id only"
    previewed = preview("qrels", qrels, store=plain)
    assert (previewed.queries_by_id, previewed.passages_by_id) == (1, 2)
    assert previewed.in_words.endswith(words.format("1 queries and 2 passages"))
    assert preview("run", run, store=plain).in_words.endswith(words.format("1 queries and 1 passages"))
    before = views.counts(plain)
    printed = worked("ingest", "qrels", qrels, "--preview", "--json", workspace=plain.path).json
    assert (printed["queries_by_id"], printed["passages_by_id"]) == (1, 2)
    assert (
        "1 queries and 2 passages are named" in worked("ingest", "qrels", qrels, "--preview", workspace=plain.path).out
    )
    assert views.counts(plain) == before
    added = ingest(plain, "qrels", qrels).added
    assert (added.queries_by_id, added.passages_by_id) == (1, 2)
    # what a first ingest would bring is looked up in its own files
    folder = tmp_path / "beir"
    write_beir([Query("q", "text", (), "test")], [Passage("p", "a title", "")], [Qrel("q", "p", 1)], folder)
    assert "by id only" not in preview("beir", folder).in_words
    with (folder / "qrels" / "test.tsv").open("a") as file:
        file.write("q\tnowhere\t1\n")
    assert preview("beir", folder).in_words.endswith(words.format("1 passages"))


def test_a_run_with_unknown_ids_measures_as_its_files_do(plain: Store, tmp_path: Path) -> None:
    qrels, run = graded_files(tmp_path)
    ingest(plain, "qrels", qrels, IngestSettings(split="test", replace=True))
    done = ingest(plain, "run", run, TEST)
    expected = ir_measures.calc_aggregate(
        [ir_measures.parse_measure(name) for name in MEASURES],
        list(ir_measures.read_trec_qrels(str(qrels))), list(ir_measures.read_trec_run(str(run))),
    )  # fmt: skip
    measures = measured(plain, views.find_run(plain, "theirs", "test"), MEASURES).measures
    for name in MEASURES:
        assert measures[name].mean == pytest.approx(expected[ir_measures.parse_measure(name)], abs=1e-6)
    lines = [line.split() for line in run.read_text().splitlines()]
    assert done.hits == len(lines)
    unknown = [line for line in lines if line[0] in ("q3", "q4") or line[2] > "d"]
    assert (done.added.without_text, done.added.queries_by_id) == (len(unknown), 0)  # the qrels named them before


def test_no_hit_is_dropped_and_no_rank_closed_up(plain: Store, tmp_path: Path) -> None:
    run = with_lines(tmp_path / "x.run", "q1 Q0 zz 1 3 x", "q1 Q0 a 2 2 x", "q1 Q0 -odd\u00a0id 3 1 x", "q9 Q0 a 1 1 x")
    done = ingest(plain, "run", run)
    assert done.added == Added(hits=4, queries_by_id=1, passages_by_id=2, without_text=3)
    ranked = views.hits(plain, views.find_run(plain, "x", "test"))
    assert [(hit.passage_id, hit.rank) for hit in ranked] == [("zz", 1), ("a", 2), ("-odd\u00a0id", 3)]
    shown = views.ranking(plain, "q1", run=views.find_run(plain, "x", "test"))
    assert [(row.passage_id, row.text) for row in shown] == [
        ("zz", ""), ("a", "text a"), ("-odd\u00a0id", ""),
    ]  # fmt: skip
    assert views.query(plain, "q9") == Query("q9", "")
    again = ingest(plain, "run", run)
    assert (again.hits, again.added.unchanged) == (0, 4)
    assert again.in_words.startswith(f"0 hits added from {run}; 4 hits were there already.")


def test_what_is_known_by_id_only_is_read_by_no_model(plain: Store, tmp_path: Path) -> None:
    texts = views.queries(plain), views.passages(plain), views.collection_fingerprint(plain)
    qrels = with_lines(tmp_path / "q", "q1 0 zz 2", "q9 0 a 1", "q2 0 yy 1")
    ingest(plain, "qrels", qrels, TEST)
    assert (views.queries(plain), views.passages(plain), views.collection_fingerprint(plain)) == texts
    assert views.passages(plain, ["zz", "a"]) == [Passage("a", "", "text a")]
    assert [query.query_id for query in views.queries(plain, "test", known_by_id=True)] == ["q1", "q2", "q9"]
    assert views.without_text(plain, "test") == 1
    candidates(plain, "bm25", depth=4)
    with plain.read() as connection:
        proposed = connection.execute("select query_id, passage_id from candidates").fetchall()
    assert {query_id for query_id, _ in proposed} == {"q1", "q2"}
    assert {passage_id for _, passage_id in proposed} <= set("abcd")
    (example,) = views.examples_of_qrels(plain, "test")  # of q2 nothing relevant has a text
    assert (example.query.query_id, example.passages[0].passage_id) == ("q1", "a")
    assert "zz" in example.known
    bm25 = evaluate(plain, "bm25")
    assert (bm25.queries, bm25.without_text, bm25.unanswered) == (2, 1, 1)
    assert "queries known by id only, not ranked for: 1" in bm25.in_words
    assert {row.query_id for row in diff(plain, "bm25", "bm25", "AP").deltas} == {"q1", "q2", "q9"}
    assert {"zz", "yy"} <= set(frames.passages(plain)["passage_id"])


def test_nothing_can_be_said_of_an_id_without_text(store: Store, tmp_path: Path) -> None:
    ingest(store, "qrels", with_lines(tmp_path / "q", "q1 0 zz 1", "q9 0 03 1"), TEST)
    with pytest.raises(UnknownName, match="known by id only has no text to judge"):
        annotate(store, "q1", "zz", "useful", annotator="ada")
    rows = with_lines(
        tmp_path / "u.jsonl", '{"query_id": "q9", "passage_id": "03", "teacher": "imported:x", "value": 1}'
    )
    with pytest.raises(BadInput, match="no query 'q9', or no more than its id"):
        ingest(store, "utilities", rows)


def test_runs_and_qrels_of_ids_go_out_as_they_came_in(plain: Store, tmp_path: Path) -> None:
    qrels, run = graded_files(tmp_path)
    ingest(plain, "qrels", qrels, IngestSettings(split="test", replace=True))
    ingest(plain, "run", run, TEST)
    here = views.hits(plain, views.find_run(plain, "theirs", "test"))
    export(plain, "run", tmp_path / "again.run", student="theirs")
    export(plain, "qrels", tmp_path / "again.qrels")
    there = Store(tmp_path / "there", create=True)
    ingest(there, "qrels", tmp_path / "again.qrels", TEST)
    ingest(there, "run", tmp_path / "again.run", TEST)
    assert views.hits(there, views.find_run(there, "theirs", "test")) == here
    assert views.qrels(there) == views.qrels(plain)
    ratings = export(plain, "quepid", tmp_path / "ratings.csv")
    with_text = [qrel for qrel in views.qrels(plain) if qrel.query_id in ("q1", "q2")]
    assert ratings.counts["rows"] == len(with_text)
    assert ratings.counts["left_out_because_queries_have_no_text"] == len(views.qrels(plain)) - len(with_text)


def test_what_has_no_text_is_no_case_for_an_annotator(plain: Store, tmp_path: Path) -> None:
    lines = ("q1 Q0 zz 1 3 x", "q1 Q0 b 2 2 x", "q2 Q0 c 1 3 x", "q9 Q0 a 1 3 x")
    ingest(plain, "run", with_lines(tmp_path / "x.run", *lines), TEST)
    cases = views.hard_cases(plain, None, views.find_run(plain, "x", "test"), thresholds=views.Thresholds(unjudged=2))
    assert {(case.query_id, case.passage_id) for case in cases} == {("q1", "b"), ("q2", "c")}


def test_counts_tell_ids_from_texts(plain: Store, tmp_path: Path) -> None:
    ingest(plain, "qrels", with_lines(tmp_path / "q", "q1 0 zz 2", "q9 0 a 1"), TEST)
    counts = views.counts(plain)
    assert (counts.passages, counts.passages_by_id, counts.queries, counts.queries_by_id) == (4, 1, 2, 1)
    assert (counts.splits[0].split, counts.splits[0].queries, counts.splits[0].by_id) == ("test", 2, 1)


def test_the_text_of_an_id_fills_it_in(plain: Store, tmp_path: Path) -> None:
    ingest(plain, "run", with_lines(tmp_path / "x.run", "q9 Q0 zz 1 3 x", "q9 Q0 a 2 2 x"))
    assert views.find_run(plain, "x", "").depth == 2
    write_beir([Query("q9", "nine", ("9",), "dev")], [Passage("zz", "Z", "")], [], tmp_path / "beir")
    done = ingest(plain, "beir", tmp_path / "beir")
    assert done.added == Added(filled=2)
    assert "2 known by id before and given their text" in done.in_words
    assert Passage("zz", "Z", "") in views.passages(plain)
    assert views.query(plain, "q9") == Query("q9", "nine", ("9",), "dev")
    # The run follows its query to the split that it has now.
    assert [run.run for run in views.runs(plain)] == ["x@dev"]
    assert [hit.rank for hit in views.hits(plain, views.find_run(plain, "x", "dev"))] == [1, 2]
    assert ingest(plain, "beir", tmp_path / "beir").added == Added(unchanged=2)
    counts = views.counts(plain)
    assert (counts.queries_by_id, counts.passages_by_id) == (0, 0)


def test_an_id_without_text_takes_none_away(plain: Store, tmp_path: Path) -> None:
    write_beir([Query("q1", "")], [Passage("a", "", "")], [Qrel("q1", "a", 1)], tmp_path / "beir")
    assert ingest(plain, "beir", tmp_path / "beir").added == Added(unchanged=3)
    assert views.query(plain, "q1").text == "text one"
    assert Passage("a", "", "text a") in views.passages(plain)


def test_a_later_import_can_say_the_split_of_ids(plain: Store, tmp_path: Path) -> None:
    run = with_lines(tmp_path / "x.run", "q9 Q0 zz 1 3 x")
    ingest(plain, "run", run)
    assert [run.run for run in views.runs(plain)] == ["x@"]
    ingest(plain, "qrels", with_lines(tmp_path / "q", "q9 0 zz 1"), TEST)
    assert [run.run for run in views.runs(plain)] == ["x@test"]
    assert ingest(plain, "run", run).added.unchanged == 1
    with pytest.raises(UnknownName, match="exam"):
        IngestSettings(split="exam")


def test_a_beir_folder_says_the_split_of_ids_by_its_qrels(plain: Store, tmp_path: Path) -> None:
    ingest(plain, "run", with_lines(tmp_path / "x.run", "q9 Q0 zz 1 3 x", "q8 Q0 zz 1 3 x"))
    write_beir([Query("q9", "", (), "dev"), Query("q8", "")], [], [Qrel("q9", "zz", 1)], tmp_path / "beir")
    assert ingest(plain, "beir", tmp_path / "beir").added == Added(qrels=1, unchanged=2, without_text=1)
    assert {run.run for run in views.runs(plain)} == {"x@dev", "x@"}


def test_ids_without_text_are_no_near_duplicates_of_one_another(plain: Store, tmp_path: Path) -> None:
    train = IngestSettings(split="train")
    ingest(plain, "qrels", with_lines(tmp_path / "train", "t8 0 xx 1", "t9 0 yy 1"), train)
    done = ingest(plain, "qrels", with_lines(tmp_path / "test", "u8 0 zz 1"), TEST)
    assert done.leaks is not None
    assert done.leaks.of == {}
    base = str(tmp_path / "base")
    tiny.static().save(base)
    for step in (lambda: evaluate(plain, "bm25", "train"), lambda: plan(plain, base, "qrels", TrainSettings())):
        with pytest.raises(NothingToDo, match="2 queries of the train split are known by id only"):
            step()


def test_scoring_and_training_say_how_many_queries_are_known_by_id_only(store: Store, tmp_path: Path) -> None:
    ingest(store, "qrels", with_lines(tmp_path / "q", "t8 0 zz 1", "t9 0 03 1"), IngestSettings(split="train"))
    scored = score(store, teacher("lexical"), "train")
    assert (scored.queries, scored.without_text) == (1, 2)
    assert "queries known by id only left out: 2" in scored.in_words
    tiny.static().save(str(tmp_path / "base"))
    planned = plan(store, str(tmp_path / "base"), "qrels", TrainSettings(steps=1))
    assert (len(planned.examples), planned.without_text) == (1, 2)
    assert "train queries known by id only left out: 2" in planned.in_words


@pytest.mark.parametrize(("kind", "line"), [("run", "z9 Q0 a 1 1 x"), ("qrels", "z9 0 a 1")])
def test_a_file_of_strangers_is_warned_of(plain: Store, tmp_path: Path, kind: str, line: str) -> None:
    done = ingest(plain, kind, with_lines(tmp_path / "file", line))
    assert done.added.no_query_known
    assert "WARNING: not one query" in done.in_words
    assert "1 new queries" in done.in_words
    known = with_lines(tmp_path / "other", line.replace("z9", "q1").replace(" x", " y"))
    assert ingest(plain, kind, known).warning == ""


ids = st.sampled_from(["a", "b", "d", "é", "z", "\uffee", "\U00010000", "-x", "10", "9"])
ties = st.sampled_from([0.5, 0.25, 0.0, -0.0, -1.0])


@examples(25)
@given(ranked=st.dictionaries(st.tuples(st.sampled_from(["q1", "q2", "q0", "zz"]), ids), ties, min_size=1))
def test_unknown_ids_are_ranked_alike_in_bulk_and_line_by_line(
    tmp_path_factory: pytest.TempPathFactory, ranked: dict[tuple[str, str], float]
) -> None:
    folder = tmp_path_factory.mktemp("both")
    lines = [f"{query} Q0 {passage} 0 {value!r} x" for (query, passage), value in ranked.items()]
    run = with_lines(folder / "x.run", *lines)
    tables = []
    for name in ("bulk", "lines"):
        store = copy_of(three_passages, folder / name)
        if name == "bulk":
            ingest(store, "run", run)
        else:
            keep(store, preview("run", run), IngestSettings())
        tables.append([hit for run_ in views.runs(store) for hit in views.hits(store, run_)])
    assert tables[0] == tables[1]
    for query_id in {query_id for query_id, _ in ranked}:
        ordered = sorted(((value, name) for (of, name), value in ranked.items() if of == query_id), reverse=True)
        assert [hit.passage_id for hit in tables[0] if hit.query_id == query_id] == [name for _, name in ordered]


def test_a_folder_of_runs_is_one_call(plain: Store, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    with_lines(folder / "one.run", "q1 Q0 a 1 1 first")
    (folder / "two.txt.gz").write_bytes(gzip.compress(b"q1 Q0 b 1 1 same\n"))
    with_lines(folder / "three.txt", "q1 Q0 c 1 1 same", "q1 Q0 a 2 0.5 same")
    with_lines(folder / "bad.txt", "q1 Q0 c 1 1 bad", "q1 Q0 c")
    with_lines(folder / "one.run.manifest.json", "{}")
    done = ingest(plain, "run", folder)
    assert done.runs == ("first", "three", "two")
    assert done.hits == 4
    assert [(Path(problem.file).name, problem.line) for problem in done.refused] == [("bad.txt", 2)]
    assert {run.student for run in views.runs(plain)} == {"first", "three", "two"}
    assert f"4 hits of 3 runs added from {folder}; 0 hits were there already" in done.in_words
    assert "1 file not added, the first bad.txt: expected" in done.in_words
    assert preview("run", folder).counts == {"runs": 4, "queries": 1, "hits": 5}
    (folder / "bad.txt").unlink()
    by_file = Store(tmp_path / "by file", create=True)
    assert ingest(by_file, "run", folder, IngestSettings(run_names="file")).runs == ("one", "three", "two")
    assert keep(by_file, preview("run", folder), IngestSettings()).added.unchanged == 3
    assert read_run(folder / "two.txt.gz").name == "same"


def test_a_folder_of_which_nothing_can_be_added_says_so(plain: Store, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(BadInput, match="holds no file"):
        ingest(plain, "run", folder)
    with_lines(folder / "bad.run", "no run")
    with pytest.raises(BadInput, match="line 1: expected"):
        ingest(plain, "run", folder)
    assert views.runs(plain) == []
