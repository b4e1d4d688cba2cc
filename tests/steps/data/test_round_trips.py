"""What goes out comes back: an equal store for every format that can carry it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import utility
from tests.profiles import examples
from tests.workspaces import copy_of
from workbench.errors import BadInput, BadSetting, Conflict, NothingToDo, UnknownName
from workbench.formats.writing.rows import harmless, unharmed
from workbench.records import Annotation, AnswerLikelihood, Passage, Qrel, Query, Utility
from workbench.steps.data.export import export
from workbench.steps.data.ingest import ingest
from workbench.steps.data.preview import preview
from workbench.steps.data.readers import IngestSettings
from workbench.store import Store, views

pytestmark = pytest.mark.slow

# Ids and texts that spreadsheets, TREC files and JSON have each something against.
QUERIES = tuple(
    Query(name, text, (), split)
    for name, text, split in (
        ("=q", "'=1+1", "train"),
        ("'q", "=1+1", "train"),
        ("q 3", '“who”, said he\r\n"why"', "test"),
        ("007", "what\u2028is,this", "dev"),
    )
)
PASSAGES = tuple(
    Passage(name, title, text)
    for name, title, text in (("@p", "", "-5"), ("p/1", "'Oil", "the price"), ("ü", "", "\tsalt"), ("04", "=x", "sea;"))
)
texts = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["=1", "'=1", "''", "-a", "\r", "'x", "\t"]
)
finite = st.floats(allow_nan=False, allow_infinity=False)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
pairs = st.tuples(st.sampled_from(QUERIES), st.sampled_from(PASSAGES)).map(
    lambda pair: (pair[0].query_id, pair[1].passage_id)
)
few = examples(4)


def annotation(
    pair: tuple[str, str], annotator: str, verdict: Any, note: str, rule: str, created: datetime
) -> Annotation:
    return Annotation(
        query_id=pair[0],
        passage_id=pair[1],
        annotator=annotator,
        verdict=verdict,
        note=note,
        rule=rule,
        created=created,
    )


verdicts = st.sampled_from(["useful", "useless", "harmful", "unsure"])
annotators = texts.map(lambda text: f"{text}a")  # whoever annotates has a name
annotations = st.builds(annotation, pairs, annotators, verdicts, texts, texts, moments)


def odd(store: Store) -> None:
    """Fill a store with the queries and passages."""
    store.add_collection(QUERIES, PASSAGES)


def workspace(folder: Path | str, name: str) -> Store:
    return copy_of(odd, Path(folder) / name)


def values(store: Store, teacher: str) -> dict[tuple[str, str], str]:
    """Return the utilities of a teacher, their numbers to the last bit."""
    return {(row.query_id, row.passage_id): row.value.hex() for row in views.utilities(store, teacher)}


@given(texts)
def test_a_harmless_cell_is_no_formula_and_comes_back(text: str) -> None:
    cell = harmless(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert unharmed(cell) == text


def test_a_cell_of_another_tool_keeps_its_apostrophe() -> None:
    assert [unharmed(cell) for cell in ("'tis", "'", "x'", "")] == ["'tis", "'", "x'", ""]


@few
@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
@given(st.lists(annotations, min_size=1, max_size=6, unique=True))
def test_annotations_come_back_equal(form: str, said: list[Annotation]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        here, there = workspace(folder, "here"), workspace(folder, "there")
        here.add_annotations(said)
        made = export(here, "annotations", Path(folder) / f"all.{form}", history=True)
        done = ingest(there, "annotations", made.path)
        assert (done.annotations, made.rows) == (len(said), len(said))
        assert views.verdicts(there) == views.verdicts(here)
        assert sorted(views.verdicts(here)) == sorted(said)
        assert ingest(there, "annotations", made.path).annotations == 0


likelihoods = st.builds(AnswerLikelihood, texts, st.integers(1, 99), finite, finite)
scores = st.dictionaries(pairs, finite, min_size=1)


@few
@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
@given(
    st.dictionaries(
        pairs, st.tuples(finite, st.lists(likelihoods, max_size=2).map(tuple), st.integers(0, 9)), min_size=1
    )
)
def test_utilities_come_back_equal_with_all_that_stands_behind_them(form: str, said: dict[Any, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        here, there = workspace(folder, "here"), workspace(folder, "there")
        here.add_scored([Utility(*pair, "toy", *rest) for pair, rest in said.items()], "probability")
        made = export(here, "utilities", Path(folder) / f"said.{form}")
        assert ingest(there, "utilities", made.path).utilities == len(said)
        assert views.utilities(there, "toy") == views.utilities(here, "toy")
        assert views.teacher_unit(there, "toy") == "probability"
        assert ingest(there, "utilities", made.path).utilities == 0


@few
@pytest.mark.parametrize(
    ("kind", "name", "chosen"),
    [
        ("pairs", "pairs.jsonl", {}),
        ("pairs", "pairs.parquet", {"ids": True}),
        ("listwise", "lists.jsonl", {}),
        ("listwise", "lists.parquet", {"ids": True}),
        ("huggingface", "folder", {}),
    ],
)
@given(st.lists(st.lists(finite, min_size=4, max_size=4), min_size=2, max_size=2))
def test_scores_come_back_to_the_last_bit(kind: str, name: str, chosen: dict[str, Any], said: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        here, there = workspace(folder, "here"), workspace(folder, "there")
        scored = zip(QUERIES[:2], said, strict=True)
        here.add_scored(
            [
                utility(query.query_id, passage.passage_id, value)
                for query, row in scored
                for passage, value in zip(PASSAGES, row, strict=True)
            ]
        )
        made = export(here, kind, Path(folder) / name, **chosen)
        done = ingest(there, kind, made.path, IngestSettings(teacher="imported:x"))
        assert done.utilities == 8
        assert values(there, "imported:x") == values(here, "toy")
        assert views.counts(there).candidates == 8


@few
@given(scores)
def test_flagembedding_brings_back_the_queries_that_have_both_sides(said: dict[tuple[str, str], float]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        here, there = workspace(folder, "here"), workspace(folder, "there")
        here.add_scored([utility(*pair, value) for pair, value in said.items()])
        sides = {query: {value > 0 for (of, _), value in said.items() if of == query} for query in ("=q", "'q")}
        both = {query for query, found in sides.items() if len(found) == 2}
        if not both:
            with pytest.raises(NothingToDo):
                export(here, "flagembedding", Path(folder) / "x.jsonl", split="train")
            return
        made = export(here, "flagembedding", Path(folder) / "x.jsonl")
        ingest(there, "flagembedding", made.path, IngestSettings(teacher="x"))
        wanted = {pair: value for pair, value in values(here, "toy").items() if pair[0] in both}
        assert values(there, "imported:x") == wanted


@few
@given(st.dictionaries(pairs, st.integers(0, 3)))
def test_quepids_ratings_come_back_as_qrels(said: dict[tuple[str, str], int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        here, there = workspace(folder, "here"), workspace(folder, "there")
        here.add_collection((), (), [Qrel(*pair, relevance) for pair, relevance in said.items()])
        for split in ("train", "dev", "test"):
            made = export(here, "quepid", Path(folder) / f"{split}.csv", split=split)
            ingest(there, "quepid", made.path)
        assert views.qrels(there) == views.qrels(here)


def answered_in_argilla(records: list[dict[str, Any]], said: dict[tuple[str, str], Annotation]) -> None:
    """Answer records as Argilla's own export has them."""
    for record in records:
        at = record["metadata"]
        if one := said.get((at["query_id"], at["passage_id"])):
            record["responses"] = {
                "verdict": [{"value": one.verdict, "user_id": one.annotator}],
                "note": [{"value": one.note, "user_id": one.annotator}],
            }


def answered_in_labelstudio(tasks: list[dict[str, Any]], said: dict[tuple[str, str], Annotation]) -> None:
    """Answer tasks as Label Studio's own export has them, one of them cancelled."""
    for task in tasks:
        task["annotations"] = [{"was_cancelled": True, "completed_by": 1, "result": []}]
        if one := said.get((task["data"]["query_id"], task["data"]["passage_id"])):
            verdict, note = {"choices": [one.verdict]}, {"text": [one.note]}
            results = [("verdict", "choices", verdict), ("note", "textarea", note)]
            task["annotations"].append(
                {
                    "completed_by": {"email": one.annotator},
                    "created_at": one.created.isoformat().replace("+00:00", "Z"),
                    "result": [
                        {"from_name": name, "to_name": "passage", "type": kind, "value": value}
                        for name, kind, value in results
                    ],
                }
            )


@few
@pytest.mark.parametrize(
    ("kind", "answered"), [("argilla", answered_in_argilla), ("labelstudio", answered_in_labelstudio)]
)
@given(st.dictionaries(pairs, annotations, min_size=1))
def test_what_people_say_elsewhere_comes_back(
    kind: str, answered: Callable[[Any, Any], None], said: dict[tuple[str, str], Annotation]
) -> None:
    said = {
        pair: one._replace(query_id=pair[0], passage_id=pair[1], annotator=f"a{one.annotator}", rule="")
        for pair, one in said.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        here, there = workspace(folder, "here"), workspace(folder, "there")
        here.add_scored([utility(q.query_id, p.passage_id, 0.5) for q in QUERIES for p in PASSAGES])
        for split in ("train", "dev", "test"):
            file = Path(export(here, kind, Path(folder) / f"{split}.json", split=split).path)
            records = json.loads(file.read_text("utf-8"))
            answered(records, said)
            file.write_text(json.dumps(records), "utf-8")
            ingest(there, kind, file)
            assert ingest(there, kind, file).annotations == 0
        found = views.verdicts(there)
        if kind == "argilla":  # it does not say when
            found = [one._replace(created=said[one.query_id, one.passage_id].created) for one in found]
        assert sorted(found) == sorted(said.values())


@pytest.fixture
def here(tmp_path: Path) -> Store:
    return workspace(tmp_path, "here")


def test_a_bad_line_of_what_comes_back_is_named(here: Store, tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    rows = ["query_id,passage_id,annotator,verdict", "007,04,ada,useful", "007,05,ada,useful", "007,04,ada,good"]
    file.write_text("\n".join(rows), "utf-8")
    seen = preview("annotations", file, store=here)
    assert [(problem.line, problem.what[:30]) for problem in seen.problems] == [
        (3, "the workspace has no passage '"),
        (4, "verdict must be one of useful,"),
    ]
    with pytest.raises(BadInput, match="line 3"):
        ingest(here, "annotations", file)
    assert views.verdicts(here) == []
    assert ingest(here, "annotations", file, IngestSettings(skip_bad_lines=True)).annotations == 1
    assert ingest(here, "annotations", file, IngestSettings(skip_bad_lines=True)).annotations == 0


def test_a_verdict_without_a_name_needs_one(here: Store, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"query_id": "007", "passage_id": "04", "verdict": "useful"}\n')
    with pytest.raises(BadInput, match="no annotator"):
        ingest(here, "annotations", tmp_path / "in.jsonl")
    ingest(here, "annotations", tmp_path / "in.jsonl", IngestSettings(annotator="ada"))
    assert [(said.annotator, said.verdict) for said in views.verdicts(here)] == [("ada", "useful")]


def test_scores_need_a_name_and_never_change_under_it(here: Store, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    row = {"query": "=1+1", "passage": "-5", "score": 1}
    file.write_text(json.dumps(row))
    with pytest.raises(BadSetting, match="does not name"):
        ingest(here, "pairs", file)
    for name in ("them", "imported:them"):
        ingest(here, "pairs", file, IngestSettings(teacher=name))
    assert values(here, "imported:them") == {("'q", "@p"): (1.0).hex()}
    file.write_text(json.dumps(row | {"score": 2}))
    with pytest.raises(Conflict, match=r"1\.0 before, 2\.0"):
        ingest(here, "pairs", file, IngestSettings(teacher="them"))


def test_other_scores_replace_imported_ones_where_that_is_asked_for_and_no_others(
    here: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "x.jsonl"
    rows = [{"query": "=1+1", "passage": "-5", "score": 1}, {"query": "=1+1", "passage": "\tsalt", "score": 5}]
    file.write_text("\n".join(map(json.dumps, rows)))
    named = IngestSettings(teacher="them", replace=True)
    ingest(here, "pairs", file, named)
    before = views.candidates_of(here, "train")
    rows[0]["score"] = 2
    file.write_text("\n".join(map(json.dumps, rows)))
    with monkeypatch.context() as patched:
        for everything in ("passages", "utilities"):
            patched.setattr(views, everything, None)
        done = ingest(here, "pairs", file, named)
    assert (done.utilities, done.added.replaced, done.added.unchanged) == (1, 1, 1)
    assert sorted(float.fromhex(value) for value in values(here, "imported:them").values()) == [2.0, 5.0]
    assert views.candidates_of(here, "train") == before
    revision = here.revision()
    told = {"query_id": "'q", "passage_id": "@p", "teacher": "imported:them", "value": 4.0}
    file.write_text("\n".join(map(json.dumps, [told, told | {"value": 3.0}])))
    with pytest.raises(Conflict, match=r"4\.0 earlier in the file, 3\.0"):
        ingest(here, "utilities", file, IngestSettings(replace=True))
    here.add_scored([utility("'q", "@p", 1.0, "lexical:abc")])
    file.write_text(json.dumps(told | {"teacher": "lexical:abc"}))
    with pytest.raises(Conflict, match=r"lexical:abc has given.*1\.0 before, 4\.0"):
        ingest(here, "utilities", file, IngestSettings(replace=True))
    assert here.revision() == revision + 1


def test_a_unit_is_named_in_the_file_or_beside_it_and_is_one(here: Store, tmp_path: Path) -> None:
    row = {"query_id": "'q", "passage_id": "@p", "teacher": "imported:them", "value": 4.0}
    (file := tmp_path / "x.jsonl").write_text(json.dumps(row))
    ingest(here, "utilities", file)
    assert views.teacher_unit(here, "imported:them") == "unknown"
    ingest(here, "utilities", file, IngestSettings(unit="grade"))
    assert views.teacher_unit(here, "imported:them") == "grade"
    with pytest.raises(Conflict, match="in the unit 'grade', these are in 'logit'"):
        ingest(here, "utilities", file, IngestSettings(unit="logit"))
    ingest(here, "utilities", file, IngestSettings(unit="logit", replace=True))
    assert views.teacher_unit(here, "imported:them") == "logit"
    file.write_text(json.dumps(row | {"unit": "probability"}))
    with pytest.raises(BadInput, match="line 1: the utilities of 'imported:them' are in 'probability' here and in 'gr"):
        ingest(here, "utilities", file, IngestSettings(unit="grade"))
    ingest(here, "utilities", file, IngestSettings(teacher="us"))
    assert views.teacher_unit(here, "imported:us") == "probability"
    file.write_text(json.dumps(row | {"unit": "points"}))
    with pytest.raises(BadInput, match="unit must be one of nats per token, nats, "):
        ingest(here, "utilities", file)
    with pytest.raises(UnknownName, match="unit named 'points'"):
        IngestSettings(unit="points")  # type: ignore[arg-type]
    file.write_text(json.dumps({"query": "=1+1", "passage": "-5", "score": 1}))
    ingest(here, "pairs", file, IngestSettings(teacher="pairs", unit="logit"))
    assert views.teacher_unit(here, "imported:pairs") == "logit"


def test_a_text_that_two_queries_share_is_not_guessed_at(here: Store, tmp_path: Path) -> None:
    here.add_collection([Query("again", "=1+1", (), "test")], ())
    file = tmp_path / "x.jsonl"
    file.write_text(json.dumps({"query": "=1+1", "passage": "-5", "score": 1}))
    with pytest.raises(BadInput, match="may be \"'q\" or 'again'"):
        ingest(here, "pairs", file, IngestSettings(teacher="them"))


def test_ratings_become_annotations_where_somebody_signs_them(here: Store, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("query,docid,rating\n'=1+1,04,2\n'=1+1,p/1,0\n'=1+1,ü,\n", "utf-8")
    done = ingest(here, "quepid", tmp_path / "x.csv", IngestSettings(annotator="ada"))
    assert (done.annotations, views.qrels(here)) == (2, [])
    assert {(said.query_id, said.passage_id, said.verdict) for said in views.verdicts(here)} == {
        ("'q", "04", "useful"),
        ("'q", "p/1", "useless"),
    }


def test_what_comes_back_needs_something_to_come_back_to(tmp_path: Path) -> None:
    with pytest.raises(NothingToDo, match="about a collection"):
        preview("annotations", tmp_path / "x.csv")
