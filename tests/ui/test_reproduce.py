"""Every view can be reproduced: its shell lines, its notebook cell and its link give the numbers that it shows."""

from __future__ import annotations

import pytest

from tests.conftest import run
from tests.ui.copied import Reproduction, lead, pictured, reproduction, run_cell, run_line, table, tiles
from tests.ui.pages import Visit, annotation_card, text_of, trained_student
from workbench.evaluation.comparison import printed_p
from workbench.records import Hit, Qrel
from workbench.steps.annotate.annotate import annotate
from workbench.store import Store

pytestmark = pytest.mark.slow

UNJUDGED = {"split": "dev", "by": "RBO"}


@pytest.fixture
def full(store: Store) -> Store:
    """Return the toy store with a third run, tags, unjudged rankings, trained students and annotations."""
    store.add_run(run("third"), [Hit("third@test", "q1", "p/1", 1, 0.5)])
    for name, first, second in (("before", "03", "ü"), ("after", "ü", "03")):
        hits = [Hit(f"{name}@dev", "q4", first, 1, 0.5), Hit(f"{name}@dev", "q4", second, 2, 0.4)]
        store.add_run(run(name, "dev"), hits)
    trained_student(store, "after", 1, 0.7)
    trained_student(store, "third", 2, 0.6, loss="infonce")
    for annotator, verdict in (("Ada", "useful"), ("Bob", "harmful"), ("Cleo", "unsure")):
        annotate(store, "q1", "03", verdict, annotator)
    annotate(store, "q1", "p 2", "skipped", "Ada")
    annotate(store, "q1", "ü", "useless", "Ada")
    return store


def same_again(copied: Reproduction, full: Store, visit: Visit, page: str) -> None:
    """Check that a page's link leads to a page that shows the same to copy."""
    assert reproduction(visit(full, page, **copied.params)) == copied


@pytest.mark.parametrize("split", ["test", "dev"])
def test_the_overview(full: Store, visit: Visit, split: str) -> None:
    at = visit(full, "overview", split=split)
    copied, shown = reproduction(at), tiles(at)
    info, students = map(run_line, copied.lines)
    assert [f"{info['counts'][name]:,}" for name in ("passages", "queries", "utilities", "runs", "annotations")] == [
        shown[name.title()][0] for name in ("passages", "queries", "utilities", "runs", "annotations")
    ]
    assert [(row["teacher"], row["pairs"]) for row in info["teachers"]] == [
        (row["teacher"], row["pairs"]) for row in table(at, "relevant first")
    ]
    variables = run_cell(copied.cell)
    assert (variables["counts"].queries, variables["teachers"][0].pairs) == (info["counts"]["queries"], 8)
    by_shell = {row["student"]: row["measures"] for row in students["students"]}
    rows = table(at, "student")
    assert {row["student"] for row in rows} == {"before", "after"} | ({"third"} if split == "test" else set())
    for row in rows:
        for measure, interval in variables["_"][row["student"]].items():
            assert row[measure] == f"{interval.mean:.3f}  [{interval.low:.3f}, {interval.high:.3f}]"
            if measure in by_shell[row["student"]]:
                assert row[measure].startswith(f"{by_shell[row['student']][measure]['mean']:.3f}")
    assert ("nDCG@10" in by_shell["before"]) == (split == "test")
    same_again(copied, full, visit, "overview")


@pytest.mark.parametrize(
    "params", [{"student": "before"}, {"student": "after", "figure": "scatter", "words": "rivers"}]
)
def test_utility(full: Store, visit: Visit, params: dict[str, str]) -> None:
    at = visit(full, "utility", **params)
    copied, shown = reproduction(at), tiles(at)
    (agreement,) = map(run_line, copied.lines)
    assert shown["Regret"][0] == f"{agreement['after']['regret']['mean']:.2f}"
    assert shown["Same first choice"][0] == f"{agreement['after']['top-1']['mean']:.0%}"
    variables = run_cell(copied.cell)
    first = variables["first"]
    assert shown["Scored queries"][0] == f"{first.queries:,}"
    assert shown["Same first choice"][1] == f"{first.same} queries"
    assert [(row["query"], row["regret"]) for row in table(at, "student ranks it")] == [
        (row.text, row.regret) for row in variables["queries"]
    ]
    assert len(variables["queries"]) == (1 if params.get("words") else 2)
    assert pictured(at, variables["_"])
    same_again(copied, full, visit, "utility")


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"measure": "R@1", "show": "worse"},
        {"by": "RBO", "first": "where", "length": "up to 9 words"},
        {"everyone": "true", "words": "oil", "show": "better"},
        UNJUDGED,
    ],
)
def test_the_diff(full: Store, visit: Visit, params: dict[str, str]) -> None:
    at = visit(full, "diff", **params)
    copied, shown = reproduction(at), tiles(at)
    (result,) = map(run_line, copied.lines)
    variables = run_cell(copied.cell)
    queries = table(at, "outcome")
    assert queries
    assert [row.text for row in variables["_"]] == [row["query"] for row in queries]
    assert [row.query_id for row in variables["_"]] == result["shown"]
    if params is UNJUDGED:
        assert "Difference" not in shown
    else:
        comparison = result["diff"]["comparisons"][0]
        assert comparison["measure"] == params.get("measure", "nDCG@10")
        assert shown["Difference"][0] == f"{comparison['difference']['mean']:+.3f}"
        assert shown["Difference"][0] == f"{variables['diff'].comparison.difference.mean:+.3f}"
        assert lead(at, variables["diff"].in_words)
        assert [row["change"] for row in queries] == [row.delta.change for row in variables["_"]]
    if by := params.get("by"):
        assert [row[by] for row in queries] == [row.value for row in variables["_"]]
        assert lead(at, variables["similarity"].in_words)
        assert result["rank_similarity"]["by"] == by
    if "everyone" in params:
        against = table(at, "mean")
        assert [(row["student"], row["p (Holm)"]) for row in against] == [
            (row["student"], printed_p(row["selection_p"])) for row in result["table"]["against"]
        ]
        assert [row["mean"] for row in against] == [f"{row.comparison.after}" for row in variables["runs"].against]
    same_again(copied, full, visit, "diff")


def test_the_agreement_with_the_teacher(full: Store, visit: Visit) -> None:
    at = visit(full, "utility", student="after", before="before", agreement="true")
    line = next(block.value for block in at.code if " agreement " in block.value)
    result = run_line(line)
    rows = {row["measure"]: row for row in table(at, "finding")}
    assert rows.keys() == {row["measure"] for row in result["comparisons"]}
    for row in result["comparisons"]:
        assert rows[row["measure"]]["p (Holm)"] == printed_p(row["adjusted_p"])
        assert rows[row["measure"]]["difference"].startswith(f"{row['difference']['mean']:+.3f}")


def test_train(store: Store, visit: Visit) -> None:
    trained_student(store, "after", 1, 0.7)
    at = visit(store, "train")
    copied, shown = reproduction(at), tiles(at)
    (result,) = map(run_line, copied.lines)
    (row,) = [row for row in result["students"] if row["teacher"]]
    assert run_cell(copied.cell)["_"] == {"after": (row["dev_before"], row["dev_after"])}
    assert shown["nDCG@10 on dev, before"][0] == f"{row['dev_before']:.3f}"
    assert shown["nDCG@10 on dev, best"][0] == f"{row['dev_after']:.3f}"
    assert shown["Gain on dev"][0] == f"{row['dev_after'] - row['dev_before']:+.3f}"
    same_again(copied, store, visit, "train")


@pytest.mark.parametrize(("split", "measure"), [("test", "nDCG@10"), ("test", "R@1")])
def test_students(full: Store, visit: Visit, split: str, measure: str) -> None:
    at = visit(full, "students", split=split, measure=measure)
    copied = reproduction(at)
    (result,) = map(run_line, copied.lines)
    assert lead(at, result["summary"])
    variables = run_cell(copied.cell)
    assert lead(at, variables["board"].in_words)
    assert pictured(at, variables["_"])
    assert [row["against base"] for row in table(at, "against base")] == [
        recipe.verdict + recipe.comparison.few if recipe.comparison else "not evaluated"
        for recipe in variables["board"].recipes
    ]
    assert [row[measure] for row in table(at, "against base")] == [
        str(recipe.measures[measure]) for recipe in variables["board"].recipes
    ]
    same_again(copied, full, visit, "students")


@pytest.mark.parametrize(
    "params",
    [
        {"student": "after"},
        {"student": "after", "rule": "useless but near", "near": "2", "useless": "-0.75", "blind": "true"},
        {"student": "after", "rule": "got worse", "base": "before"},
        {"student": "before", "base": "(none)", "rule": "useful but far", "far": "1", "useful": "0.1"},
        {"student": "after", "annotator": "Ada", "tab": "skipped"},
        {"student": "after", "annotator": "Ada", "tab": "done"},
    ],
)
def test_annotate(full: Store, visit: Visit, params: dict[str, str]) -> None:
    at = visit(full, "annotate", **params)
    copied = reproduction(at)
    (cases,) = map(run_line, copied.lines)
    counts = annotation_card(at)["counts"]
    assert sum(counts.values()) == len(cases)
    rule = params.get("rule", "all rules")
    assert any(f"{rule} ({len(cases):,})" in str(element.proto) for element in at.get("button_group"))
    in_tab, tab = run_cell(copied.cell)["_"], params.get("tab", "pending")
    assert counts[tab] == len(in_tab)
    assert cases
    assert in_tab
    assert copied.params["query"] == in_tab[0].query_id
    assert copied.params["passage"] == in_tab[0].passage_id
    ids = {(case["query_id"], case["passage_id"]) for case in cases}
    assert {case[:2] for case in in_tab} <= ids
    same_again(copied, full, visit, "annotate")


def test_the_disputes_of_annotate(full: Store, visit: Visit) -> None:
    at = visit(full, "annotate", rule="adjudication")
    at.session_state["annotators"] = True  # opened
    at.run()
    copied, shown = reproduction(at), tiles(at)
    (agreement,) = map(run_line, copied.lines)
    assert shown["To settle"][0] == str(agreement["disputed"] - agreement["settled"])
    disputes = run_cell(copied.cell)["_"]
    assert [(dispute.query_id, dispute.passage_id) for dispute in disputes] == [("q1", "03")]
    assert copied.params["passage"] == "03"


LEVEL_2 = {"relevance": "2", "without_relevant": "left out"}


@pytest.fixture
def graded(full: Store) -> Store:
    """Return `full` with a passage of grade 2 for one of two test queries, before on top and after second."""
    full.add_collection(qrels=[Qrel("q1", "p 2", 2)])
    return full


def test_the_diff_at_another_level_of_relevance(graded: Store, visit: Visit) -> None:
    at = visit(graded, "diff", measure="RR", query="q1", **LEVEL_2)
    copied, shown = reproduction(at), tiles(at)
    (result,) = map(run_line, copied.lines)
    diff = run_cell(copied.cell)["diff"]
    assert (result["diff"]["measure"], diff.measure) == ("RR(rel=2)", "RR(rel=2)")
    assert [(delta.query_id, delta.before, delta.after) for delta in diff.deltas] == [("q1", 1.0, 0.5)]
    assert shown["Difference"][0] == "-0.500" == f"{result['diff']['comparisons'][0]['difference']['mean']:+.3f}"
    assert lead(at, diff.in_words)
    assert "1 judged query (1 more without a passage of relevance 2 or more left out)" in diff.in_words
    words = text_of(at)
    assert "relevant · grade 2" in words
    assert "grade 1, below the level" in words
    same_again(copied, graded, visit, "diff")
    assert "relevant · grade 2" in (plain := text_of(visit(graded, "diff", query="q1")))
    assert "below the level" not in plain


def test_other_pages_at_another_level_of_relevance(graded: Store, visit: Visit) -> None:
    at = visit(graded, "overview", **LEVEL_2)
    copied = reproduction(at)
    info, students = map(run_line, copied.lines)
    assert [(row["split"], row["judged"], row["without relevant"]) for row in table(at, "without relevant")] == [
        (row["split"], row["judged"], row["without_relevant"]) for row in info["counts"]["splits"]
    ]
    assert {row["split"]: row["without_relevant"] for row in info["counts"]["splits"]} == {
        "train": 0,
        "dev": 0,
        "test": 1,
    }
    measures = {row["student"]: row["measures"] for row in students["students"]}
    assert measures["before"]["R(rel=2)@1"]["mean"] == 1.0
    assert table(at, "student")[0].keys() >= {"R(rel=2)@1", "nDCG@10"}
    same_again(copied, graded, visit, "overview")

    at = visit(graded, "utility", student="before", **LEVEL_2)
    copied, shown = reproduction(at), tiles(at)
    assert shown["Student puts a relevant candidate first"] == ("1.000", "over 1 judged query")
    (link,) = (link for link in at.get("page_link") if "query=" in str(link.proto))
    assert "relevance=2" in str(link.proto)  # a page that one goes to measures as this one
    assert run_cell(copied.cell)["first"].judged == 1
    same_again(copied, graded, visit, "utility")

    at = visit(graded, "students", measure="R@1", **LEVEL_2)
    copied = reproduction(at)
    (result,) = map(run_line, copied.lines)
    assert lead(at, result["summary"])
    assert result["measures"][0] == run_cell(copied.cell)["board"].measure == "R(rel=2)@1"
    same_again(copied, graded, visit, "students")

    at = visit(graded, "annotate", student="after", rule="got worse", base="before", **LEVEL_2)
    copied = reproduction(at)
    (cases,) = map(run_line, copied.lines)
    assert [(case["passage_id"], case["relevant"]) for case in cases] == [("p 2", True)]
    assert [case.passage_id for case in run_cell(copied.cell)["_"]] == ["p 2"]
    same_again(copied, graded, visit, "annotate")
