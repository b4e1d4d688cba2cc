"""The health of a teacher: its figures are those of plain computations, and its sentence tells teachers apart."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau, mannwhitneyu, spearmanr

import workbench as wb
from tests.workspaces import copy_of
from workbench.errors import BadSetting, NothingToDo, UnknownName
from workbench.evaluation.significance import interval
from workbench.records import Candidate, Failure, Hit, Passage, Qrel, Query, Run, Utility
from workbench.store import Store, views

QUERIES, PASSAGES = 30, 12
LENGTH = {f"p{n}": 10 + (7 * n) % PASSAGES * 20 for n in range(PASSAGES)}


def relevant(query: int) -> str:
    return f"p{query % PASSAGES}"


def collected(store: Store) -> None:
    """Fill a store with a relevant passage a query, a student that often ranks it third, and candidates."""
    store.add_collection(
        [Query(f"q{n}", f"question {n}", ("a" * (n + 1),), "test") for n in range(QUERIES)],
        [Passage(name, "", "x" * length) for name, length in LENGTH.items()],
        [Qrel(f"q{n}", relevant(n), 1) for n in range(QUERIES)],
    )
    store.add_candidates(Candidate(f"q{n}", name, "hand") for n in range(QUERIES) for name in LENGTH)
    hits = []
    for n in range(QUERIES):
        order = [name for name in LENGTH if name != relevant(n)]
        order.insert(2 if n % 3 else 0, relevant(n))
        hits += [Hit("s@test", f"q{n}", name, rank, 1 - rank / 20) for rank, name in enumerate(order, start=1)]
    store.add_run(Run("s@test", "s", "test", 5, "c", datetime(2026, 1, 1, tzinfo=UTC)), hits)


@pytest.fixture
def judged(tmp_path: Path) -> Store:
    return copy_of(collected, tmp_path / "ws")


def scored(store: Store, value: Callable[[int, str], float], name: str = "t") -> None:
    """Let a teacher score every pair."""
    store.add_scored([Utility(f"q{n}", p, name, value(n, p)) for n in range(QUERIES) for p in LENGTH], "nats per token")


def knows(query: int, passage: str) -> float:
    return 2.0 * (passage == relevant(query)) + random.Random(f"{query} {passage}").gauss(0, 0.3)


def noise(query: int, passage: str) -> float:
    return random.Random(f"{query} {passage}").gauss(0, 1)


TEACHERS: dict[str, tuple[Callable[[int, str], float], str, str]] = {
    "knows": (knows, "fit", "t is fit to teach s: AUC"),
    "noise": (noise, "not fit", "it hardly tells relevant passages from others: AUC 0."),
    "fifth": (
        lambda q, p: [0.0, 1.0, 2.0, 3.0, 4.0, *range(-7, 0)][(int(p[1:]) - q) % PASSAGES], "not shown",
        "it ranks the same passages worse than the student: nDCG@10 -",
    ),
    "length": (
        lambda q, p: knows(q, p) + LENGTH[p] / 20, "not fit", "its order follows the length of the passage",
    ),
    "place": (
        lambda q, p: knows(q, p) / 9 + sorted(LENGTH).index(p), "not fit",
        "follows the place of the passage by id",
    ),
    "reversed": (lambda q, p: float(p != relevant(q)), "not fit", "relevant passages from others: AUC 0.000"),
    "saturated": (
        lambda q, p: float(p == relevant(q) or q > 3), "not fit", "more than half of the passages share the first",
    ),
    "constant": (lambda q, p: 1.0, "not fit", "in 100% of the queries more than half of the passages share"),
}  # fmt: skip


@pytest.mark.parametrize("kind", TEACHERS)
def test_the_sentence_tells_teachers_apart(judged: Store, kind: str) -> None:
    value, fitness, words = TEACHERS[kind]
    scored(judged, value)
    health = wb.teacher_health(judged, student="s")
    assert health.fitness == fitness
    assert words in health.in_words


def test_a_teacher_that_is_as_good_as_the_student_is_not_shown_to_be_fit(judged: Store) -> None:
    hits = views.hits(judged, views.find_run(judged, "s", "test"))
    ranks = {(hit.query_id, hit.passage_id): hit.rank for hit in hits}
    scored(judged, lambda q, p: -float(ranks[f"q{q}", p]))
    health = wb.teacher_health(judged, student="s", split="test")
    assert health.fitness == "not shown"
    assert "not shown to rank better than the student: nDCG@10 +0.000" in health.in_words
    assert wb.teacher_health(judged).fitness == "fit", "without a student it is enough to tell relevant passages"


def test_what_failed_and_what_is_not_judged_is_named(judged: Store) -> None:
    scored(judged, knows, "some")
    pairs = [(f"q{n}", f"other{m}") for n in range(QUERIES) for m in range(4)]
    judged.add_scored([Failure(query_id, name, "some", "why", "refused") for query_id, name in pairs])
    assert "25% of the pairs have no utility (at most 20%)" in wb.teacher_health(judged, "some").in_words
    judged.add_collection([Query("new", "unjudged?")])
    judged.add_scored([Utility("new", p, "few", float(n)) for n, p in enumerate(LENGTH)])
    health = wb.teacher_health(judged, "few")
    assert health.fitness == "not shown"
    assert "measured on 1 query (at least 20)" in health.in_words
    assert "nothing says what is right" in health.in_words
    assert "nDCG@10" not in health.figures


def test_the_figures_are_those_of_plain_computations(judged: Store) -> None:
    rows = {n: [round(noise(n, p), 1) for p in LENGTH] for n in range(QUERIES)}
    others = {n: [value - noise(n, p) ** 2 for p, value in zip(LENGTH, row, strict=True)] for n, row in rows.items()}
    places = {p: place for place, p in enumerate(LENGTH)}
    scored(judged, lambda q, p: rows[q][places[p]])
    scored(judged, lambda q, p: others[q][places[p]], "u")
    temperature = float(np.median([np.std(row) for row in rows.values()]))
    health = wb.teacher_health(judged, "t", other="u")
    assert health.temperature == pytest.approx(temperature)
    by_id = [places[p] for p in sorted(LENGTH)]
    for shape in health.shapes:
        n = int(shape.query_id[1:])
        row = rows[n]
        softmax = np.exp(np.array(row) / temperature) / np.exp(np.array(row) / temperature).sum()
        best, second = sorted(row, reverse=True)[:2]
        assert (shape.pairs, shape.best, shape.tied) == (PASSAGES, best, row.count(best))
        assert (shape.margin, shape.spread) == (pytest.approx(best - second), pytest.approx(best - min(row)))
        assert shape.entropy == pytest.approx(-float((softmax * np.log(softmax)).sum()))
        assert shape.length == pytest.approx(spearmanr(row, list(LENGTH.values())).statistic)
        assert shape.position == pytest.approx(spearmanr([row[place] for place in by_id], range(PASSAGES)).statistic)
        rest = [value for place, value in enumerate(row) if place != n % PASSAGES]
        assert shape.auc == pytest.approx(mannwhitneyu([row[n % PASSAGES]], rest).statistic / len(rest))
    assert health.figures["effective passages"] == interval([math.exp(shape.entropy) for shape in health.shapes])
    best_of = [max(row) for row in rows.values()]
    assert health.figures["answer length"].mean == pytest.approx(spearmanr(best_of, range(QUERIES)).statistic)
    taus = [kendalltau(rows[n], others[n]).statistic for n in range(QUERIES)]
    assert health.figures["Kendall"].mean == pytest.approx(np.mean(taus))
    assert len(health.to_frame()) == len(health.figures)


def test_another_temperature_changes_the_entropy_and_no_order(judged: Store) -> None:
    scored(judged, knows)
    sharp, flat = (wb.teacher_health(judged, settings=wb.HealthSettings(at)).figures for at in (0.01, 100.0))
    assert sharp["effective passages"].mean == pytest.approx(1, abs=0.05)
    assert flat["effective passages"].mean == pytest.approx(PASSAGES, abs=0.05)
    assert sharp["AUC"] == flat["AUC"]


def test_of_many_queries_an_even_sample_is_measured_and_that_is_said(judged: Store) -> None:
    scored(judged, knows)
    scored(judged, noise, "u")
    every = {shape.query_id: shape for shape in wb.teacher_health(judged, "t").shapes}
    health = wb.teacher_health(judged, "t", settings=wb.HealthSettings(1.0, 20), student="s", other="u")
    assert {figure.n for figure in health.figures.values()} == {20}
    assert health.lead
    assert health.lead.before.n == 20
    assert all(every[shape.query_id].auc == shape.auc for shape in health.shapes)
    assert health.remarks == ("Measured on 20 of the 30 queries that it has scored, drawn evenly.",)
    assert wb.teacher_health(judged, "t", settings=wb.HealthSettings(queries=30)).remarks == ()
    with pytest.raises(BadSetting, match="number of queries to measure is 0"):
        wb.HealthSettings(queries=0)


def test_relevance_counts_from_the_level_that_is_asked_for(judged: Store) -> None:
    scored(judged, knows)
    judged.add_collection((), (), [Qrel(f"q{n}", f"p{(n + 1) % PASSAGES}", 2) for n in range(QUERIES)])
    assert wb.teacher_health(judged, relevance=2).figures["AUC"].mean < wb.teacher_health(judged).figures["AUC"].mean


def test_what_cannot_be_looked_at_says_what_to_do(judged: Store) -> None:
    scored(judged, knows)
    with pytest.raises(NothingToDo, match="t has scored no query of the train split"):
        wb.teacher_health(judged, split="train")
    with pytest.raises(NothingToDo, match="no run of 'nobody'"):
        wb.teacher_health(judged, student="nobody")
    with pytest.raises(BadSetting, match="temperature is 0"):
        wb.HealthSettings(0)
    with pytest.raises(UnknownName, match="no split named 'x'"):
        wb.teacher_health(judged, split="x")


def test_odd_collections_have_a_health_too(empty: Store) -> None:
    """No split, no answers, no text, one passage, qrels below 0, ids that look like something else."""
    empty.add_collection(
        [Query("-q", "what?"), Query("q 'ü'", "", ("a",)), Query("?x=1", "who?")],
        [Passage("-p", "", ""), Passage("p/1", "only a title", ""), Passage("ü", "", "a text")],
        [Qrel("-q", "-p", -1), Qrel("-q", "ü", 3), Qrel("?x=1", "nobody scored it", 1)],
    )
    rows = [("-q", "-p", 1.0), ("-q", "p/1", 1.0), ("-q", "ü", 2.0), ("q 'ü'", "ü", 0.0), ("?x=1", "ü", 5.0)]
    empty.add_scored([Utility(query_id, passage_id, "t | u", value) for query_id, passage_id, value in rows])
    health = wb.teacher_health(empty, other="t | u")
    assert [shape.pairs for shape in health.shapes] == [3, 1, 1]
    assert (health.figures["AUC"].mean, health.figures["AUC"].n) == (1.0, 1)
    assert (health.figures["nDCG@10"].mean, health.figures["nDCG@10"].n) == (0.5, 2), "a relevant one was not scored"
    assert "answer length" not in health.figures
    assert health.fitness == "not shown"


def test_a_teacher_that_follows_where_the_answer_stands_is_not_fit(empty: Store) -> None:
    """Also where answers are many, odd, or parts of other words, which do not count."""
    words = {f"p{n}": " ".join(["art"] * n + ["The ÁRT, of\nwar!"] + ["artful"] * (9 - n)) for n in range(6)}
    empty.add_collection(
        [Query(f"q{n}", "what?", ("", "?", "the árt (of) war", "nowhere"), "test") for n in range(25)],
        [*(Passage(name, "", text) for name, text in words.items()), Passage("part", "", "the artist of wars")],
    )
    rows = [Utility(f"q{n}", p, "early", -float(words[p].index("The"))) for n in range(25) for p in words]
    empty.add_scored([*rows, *(Utility(f"q{n}", "part", "early", 9.0) for n in range(25))], "nats per token")
    health = wb.teacher_health(empty, "early")
    assert (health.figures["answer position"].mean, health.figures["answer position"].n) == (pytest.approx(-1.0), 25)
    assert "its order follows where in the passage the answer stands: rank correlation -1.000" in health.in_words
    assert views.answer_places(empty, "early", []) == []
