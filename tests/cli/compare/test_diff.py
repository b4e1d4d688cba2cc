"""`workbench diff`: orders, filters, reports, and gates."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import QUERIES, run
from tests.shell import shell, worked
from workbench.records import Hit, Qrel, Query, stale_in_words
from workbench.store import Store

Q2 = "http://q/2?x=1"


@pytest.fixture
def regressed(store: Store) -> Store:
    """Return a store in which "bad" loses 30 queries that "good" wins, "poor" 10 of them, "lame" 6, and "frail" 5.

    Of "frail" the interval excludes 0 and the p-value is not below 0.05; that of "lame" is, by itself.
    """
    queries = [Query(f"n{n}", "text", (), "test") for n in range(30)]
    store.add_collection([*QUERIES, *queries], [], [Qrel(query.query_id, "p/1", 1) for query in queries])
    for name, first in (("good", "p/1"), ("bad", "03")):
        store.add_run(run(name), [Hit(f"{name}@test", query.query_id, first, 1, 0.5) for query in queries])
    for name, every in (("poor", 3), ("lame", 5), ("frail", 6)):
        first = ["p/1" if n % every else "03" for n in range(len(queries))]
        hits = [Hit(f"{name}@test", query.query_id, p, 1, 0.5) for query, p in zip(queries, first, strict=True)]
        store.add_run(run(name), hits)
    return store


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["good", "bad"], 1),
        (["good", "bad", "--threshold", 0.5], 1),
        (["good", "bad", "--threshold", 0.95], 0),
        (["bad", "good"], 0),
        (["good", "good"], 0),
        (["good", "poor"], 1),
        (["good", "poor", "--threshold", 0.2], 0),
        (["good", "frail"], 0),
        (["good", "lame"], 1),
        (["good", "frail", "good", "lame"], 1),
        (["bad", "good", "poor"], 0),
        (["good", "good", "poor", "bad"], 1),
        (["good", "bad", "--by", "RBO"], 1),
    ],
)
def test_the_gate_ends_with_1_where_the_verdict_is_worse(regressed: Store, arguments: list[str], code: int) -> None:
    printed = shell("diff", *arguments, "--fail-on-regression", workspace=regressed.path)
    assert (printed.code, "Regression" in printed.err) == (code, bool(code))
    assert "Traceback" not in printed.err
    assert shell("diff", *arguments, workspace=regressed.path).code == 0


def test_two_changed_queries_are_no_regression(store: Store) -> None:
    assert worked("diff", "before", "after", "--fail-on-regression", workspace=store.path).code == 0


def test_by_a_contrast_the_most_different_query_comes_first(store: Store) -> None:
    printed = worked("diff", "before", "after", "--by", "Jaccard@1", workspace=store.path)
    assert "by Jaccard@1, test: mean 0.000" in printed.out
    assert "Most different first" in printed.out
    result = worked("diff", "before", "after", "--by", "RBO", "--json", workspace=store.path).json
    assert result["shown"] == [row["query_id"] for row in result["rank_similarity"]["rows"]]
    assert "diff" in result


def test_by_a_measure_is_that_measure(store: Store) -> None:
    assert (
        worked("diff", "before", "after", "--by", "R@1", "--json", workspace=store.path).json["diff"]["measure"]
        == "R@1"
    )


def test_filters_narrow_what_is_shown(store: Store) -> None:
    def shown(*options: object) -> list[str]:
        return worked("diff", "before", "after", "--json", *options, workspace=store.path).json["shown"]

    assert shown("--only", "worse") == [Q2]
    assert shown("--first-word", "what") == ["q1"]
    assert shown("--max-length", 4) == [Q2]
    assert shown("--min-length", 5) == ["q1"]
    assert shown("--tag", "people") == []
    tagged = [query._replace(tags=("People", "<b>")) for query in QUERIES if query.query_id == "q1"]
    store.add_collection(tagged)
    assert shown("--tag", "people") == ["q1"]
    printed = worked("diff", "before", "after", "--tag", "<b>", workspace=store.path)
    assert "Queries listed: 1, those tagged “<b>”." in printed.err
    assert "People" in worked("info", workspace=store.path).out
    assert shown("--words", "rivers", "--only", "better", "--by", "RBO") == []
    refused = shell("diff", "before", "after", "--only", "odd", workspace=store.path)
    assert (refused.code, "Choose worse, better, same or unseen" in refused.err) == (1, True)


def test_many_students_are_held_against_the_first(regressed: Store) -> None:
    printed = worked("diff", "good", "bad", "poor", workspace=regressed.path)
    assert "Against good" in printed.out
    result = worked("diff", "good", "bad", "poor", "--json", workspace=regressed.path).json["table"]
    assert [row["student"] for row in result["against"]] == ["bad", "poor"]
    bad, poor = ((row["selection_p"], row["comparison"]["p_value"]) for row in result["against"])
    assert (bad[0], poor[0]) == pytest.approx((2 * bad[1], poor[1]))
    assert "To choose among the 2 comparisons, adjusted for all of them (Holm): 2 worse." in printed.out


def test_without_judgements_a_contrast_still_answers_and_a_gate_does_not(store: Store, tmp_path: Path) -> None:
    for name, order in (("x", ["03", "p/1"]), ("y", ["p/1", "03"])):
        hits = [Hit(f"{name}@dev", "q4", passage, rank, 1 / rank) for rank, passage in enumerate(order, 1)]
        store.add_run(run(name, "dev"), hits)
    arguments = ["diff", "x", "y", "--split", "dev", "--by", "tauAP"]
    printed = worked(*arguments, "--html", tmp_path / "d.html", workspace=store.path)
    assert "Who knows?" in printed.out
    assert "Who knows?" in (tmp_path / "d.html").read_text()
    refused = shell(*arguments, "--fail-on-regression", workspace=store.path)
    assert (refused.code, "only where queries are judged" in refused.err) == (1, True)


def test_a_threshold_of_relevance_works_in_the_shell(store: Store) -> None:
    store.add_collection([], [], [Qrel("q1", "p 2", 2)])
    asked = "diff", "before", "after", "--without-relevant", "left out", "--json"
    for measure in (["--measure", "AP(rel=2)"], ["--measure", "AP", "--relevance", 2]):
        result = worked(*asked, *measure, workspace=store.path).json["diff"]
        assert (result["measure"], [delta["query_id"] for delta in result["deltas"]]) == ("AP(rel=2)", ["q1"])
        assert result["comparisons"][0]["difference"]["n"] == 1
    printed = worked("diff", "before", "after", "--measure", "AP", "--relevance", 2, workspace=store.path).out
    assert "2 judged queries (1 of them without a passage of relevance 2 or more, counted as 0)" in printed


def test_the_report_is_written_and_named(store: Store, tmp_path: Path) -> None:
    printed = worked("diff", "before", "after", "--html", tmp_path / "a" / "d.html", "--top", 1, workspace=store.path)
    assert f"report {tmp_path / 'a' / 'd.html'}" in printed.err
    text = (tmp_path / "a" / "d.html").read_text()
    assert '<span title="toy">' in text
    assert text.count("<section") == 1


def test_diff_says_the_same_in_words_and_in_json(store: Store) -> None:
    as_json = worked("diff", "before", "after", "--measure", "R@1", "--json", workspace=store.path)
    assert as_json.err == f"workspace {store.path}\n"
    assert as_json.json["diff"]["deltas"][0] == {
        "query_id": "http://q/2?x=1", "text": "Where do rivers run?", "before": 1.0, "after": 0.0, "missing": "",
        "tags": [], "seen": False,
    }  # fmt: skip
    printed = worked("diff", "before", "after", "--measure", "R@1", workspace=store.path)
    assert printed.out.startswith(as_json.json["summary"])
    assert "1 better, 1 worse" in printed.out
    assert printed.out.index("Got worse") < printed.out.index("Where do rivers run?") < printed.out.index("Got better")
    for student in ("before", "after"):
        assert f"Stale: {stale_in_words(student)}" in printed.err
