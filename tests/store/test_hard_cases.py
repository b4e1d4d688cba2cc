"""Every rule finds what it is named for, says why, and draws its line where it is told to."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations, groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import run, utility
from tests.profiles import examples
from workbench.errors import BadSetting, UnknownName
from workbench.records import Hit, Passage, Qrel, Query, useful_above
from workbench.store import Store, views
from workbench.store.views import RULES, HardCase, Reason, Rule, Threshold, Thresholds, UtilityScale

Q2 = "http://q/2?x=1"


def found(store: Store, after: str = "after", before: str = "", lines: Thresholds | None = None) -> list[HardCase]:
    first = views.find_run(store, before, "test") if before else None
    return views.hard_cases(store, "toy", views.find_run(store, after, "test"), first, lines)


def of_rule(listed: list[HardCase], rule: str) -> dict[tuple[str, str], Reason]:
    return {
        (case.query_id, case.passage_id): reason for case in listed for reason in case.reasons if reason.rule == rule
    }


def test_every_rule_declares_the_thresholds_that_its_query_reads() -> None:
    of_teacher = {"teacher", "unit", "zero", "scale", "relevant_from"}
    for rule in RULES.values():
        read = set(re.findall(r"\$(\w+)", rule.query + rule.tables)) - of_teacher
        assert read == {threshold.name for threshold in rule.thresholds}
        assert rule.meaning.endswith(".")
    of_rules = {threshold for rule in RULES.values() for threshold in rule.thresholds}
    assert len(of_rules) == len(views.known_thresholds()), "two thresholds have the same name"
    for threshold in of_rules:
        assert threshold.checked(threshold.default) == threshold.default
        assert threshold.label
        assert threshold.help.endswith(".")


def test_a_rule_is_added_in_the_table_alone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    depth = Threshold("depth", 2, "rank", "Rank from", "from this rank on.", low=1)
    query = "select query_id, passage_id, format('rank {}', after), 0.25 from pair where after >= $depth"
    monkeypatch.setitem(RULES, "toy", Rule("It is not the first.", (depth,), query))
    assert len(of_rule(found(store), "toy")) == 6
    assert of_rule(found(store, lines=Thresholds(depth=4)), "toy").keys() == {("q1", "03"), (Q2, "p 2")}
    assert Thresholds.parse(["depth=4"]) == Thresholds(depth=4)
    assert list(views.known_thresholds())[-1] == "depth"
    assert views.rule_counts(found(store))["toy"] == 6


def test_useful_but_far_asks_for_the_teachers_best(store: Store) -> None:
    said = of_rule(found(store, "before", lines=Thresholds(far=2)), "useful but far")
    assert said[("q1", "p/1")].why == "utility +2.00, yet rank 3"
    assert said.keys() == {("q1", "p/1")}
    assert not of_rule(found(store, "before", lines=Thresholds(far=3)), "useful but far")
    assert not of_rule(found(store, "before", lines=Thresholds(far=2, useful=2.1)), "useful but far")


def test_useless_but_near_leaves_relevant_passages_alone(store: Store) -> None:
    near = of_rule(found(store, "before", lines=Thresholds(near=2)), "useless but near")
    assert near.keys() == {("q1", "p 2"), ("q1", "ü")}
    assert near[("q1", "p 2")].why == "rank 1, yet utility -0.50"
    store.add_collection((), (), [Qrel("q1", "p 2", 1)])
    assert of_rule(found(store, "before", lines=Thresholds(near=2)), "useless but near").keys() == {("q1", "ü")}


def test_got_worse_needs_a_student_to_come_from(store: Store) -> None:
    worse = of_rule(found(store, "after", "before"), "got worse")
    assert worse == {(Q2, "03"): ("got worse", "a relevant passage fell from rank 1 to 3", pytest.approx(2 / 3))}
    assert not of_rule(found(store), "got worse")


def test_teacher_against_qrels_goes_both_ways(store: Store) -> None:
    store.add_collection((), (), [Qrel("q1", "ü", 1), Qrel(Q2, "ü", 0)])
    said = of_rule(found(store), "teacher against qrels")
    assert {pair: reason.why for pair, reason in said.items()} == {
        ("q1", "ü"): "judged relevant, yet utility -1.00",
        (Q2, "ü"): "judged not relevant, yet utility +1.00",
    }
    assert of_rule(found(store, lines=Thresholds(useful=1.5, useless=-1.5)), "teacher against qrels") == {}


def test_teachers_disagree_by_sign_or_by_rank(store: Store) -> None:
    assert not of_rule(found(store), "teachers disagree")
    store.add_scored([utility("q1", "p/1", -0.2, "other"), utility("q1", "p 2", -0.7, "other")], "nats per token")
    store.add_scored([utility(Q2, "03", 0.3, "other"), utility(Q2, "ü", 0.4, "other")], "nats per token")
    said = of_rule(found(store), "teachers disagree")
    assert said.keys() == {("q1", "p/1")}, "both find Q2's passages useful, and rank them alike"
    assert said[("q1", "p/1")].why == ("utility +2.00 (place 1 of the candidates), yet other says -0.20 (place 1)")
    store.add_scored([utility(Q2, "p/1", 0.45, "other")], "nats per token")
    far = of_rule(found(store, lines=Thresholds(near=1, far=2)), "teachers disagree")
    assert (Q2, "p/1") in far
    assert "(place 3 of the candidates), yet other says +0.45 (place 1)" in far[(Q2, "p/1")].why


def test_confident_and_wrong_is_about_the_first_hit_and_its_lead(store: Store) -> None:
    # The first hit of a toy run is at 7/8, the second at 6/8: ahead by a seventh of its own similarity.
    said = of_rule(found(store, "before", lines=Thresholds(margin=0.14)), "confident and wrong")
    assert {pair: reason.why for pair, reason in said.items()} == {
        ("q1", "p 2"): "ranked first, 14 % ahead of the second, yet utility -0.50"
    }
    assert not of_rule(found(store, "before", lines=Thresholds(margin=0.15)), "confident and wrong")
    store.add_collection((), (), [Qrel(Q2, "ü", 0)])
    after = of_rule(found(store, "after"), "confident and wrong")
    assert after[(Q2, "ü")].why == "ranked first, 14 % ahead of the second, yet judged not relevant"


def test_unjudged_but_high_knows_that_judged_not_relevant_is_judged(store: Store) -> None:
    assert of_rule(found(store), "unjudged but high").keys() == {(Q2, "ü")}
    assert of_rule(found(store, lines=Thresholds(unjudged=2)), "unjudged but high").keys() == {
        (Q2, "ü"),
        (Q2, "p/1"),
        ("q1", "p 2"),
    }
    store.add_collection((), (), [Qrel(Q2, "ü", 0)])
    assert not of_rule(found(store), "unjudged but high")


def test_near_duplicates_name_the_twin_and_both_utilities(store: Store) -> None:
    store.add_collection((), [Passage("twin", "OIL", "the embargo, of 1973 raised the price of oil!")])
    store.add_scored([utility("q1", "twin", 0.25)])
    old = views.find_run(store, "after", "test")
    store.add_run(old, [*views.hits(store, old), Hit(old.run, "q1", "twin", 5, 0.1)])
    said = of_rule(found(store), "near duplicates")
    assert said.keys() == {("q1", "twin")}
    assert said["q1", "twin"].why == "100 % of its words are those of p/1, yet utility +0.25 against +2.00"
    assert not of_rule(found(store, lines=Thresholds(apart=1.8)), "near duplicates")


@examples(15)
@given(
    st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8), min_size=2, max_size=7),
    st.sampled_from([0.5, 0.6, 0.75, 0.8, 1.0]),
)
def test_twins_are_those_that_comparing_all_with_all_finds(
    tmp_path_factory: pytest.TempPathFactory, texts: list[list[str]], alike: float
) -> None:
    store = Store(tmp_path_factory.mktemp("twins"), create=True)
    passages = [Passage(f"p{at}", "", " ".join(words)) for at, words in enumerate(texts)]
    store.add_collection([Query("q", "?", (), "test")], passages)
    store.add_scored(
        [utility("q", passage.passage_id, float(at)) for at, passage in enumerate(passages)], "nats per token"
    )
    store.add_run(run("s"), [Hit("s@test", "q", passage.passage_id, 1, 0.5) for passage in passages])
    expected = set()
    for one, other in combinations(passages, 2):
        left, right = (set(re.split(r"\W+", passage.text)) for passage in (one, other))
        if len(left & right) / len(left | right) >= alike:
            expected.add(("q", one.passage_id))
    lines = Thresholds(alike=alike, apart=1.0)
    assert of_rule(found(store, "s", lines=lines), "near duplicates").keys() == expected


def test_a_pair_of_several_rules_is_one_case_with_all_its_reasons(store: Store) -> None:
    listed = found(store, "before", "after", Thresholds(far=1))
    pairs = [(case.query_id, case.passage_id) for case in listed]
    assert len(set(pairs)) == len(pairs)
    first = next(case for case in listed if (case.query_id, case.passage_id) == ("q1", "p 2"))
    assert set(first.rules) >= {"useless but near", "unjudged but high", "confident and wrong"}
    assert first.strength == pytest.approx(sum(reason.strength for reason in first.reasons))
    assert all(reason.why in first.why for reason in first.reasons)
    assert [reason.strength for reason in first.reasons] == sorted(
        (reason.strength for reason in first.reasons), reverse=True
    )
    for _, of_query in groupby(listed, key=lambda case: case.query_id):
        strengths = [case.strength for case in of_query]
        assert strengths == sorted(strengths, reverse=True)
    assert all(0 <= reason.strength <= 1 for case in listed for reason in case.reasons)
    counted = views.rule_counts(listed)
    assert list(counted) == list(RULES)
    assert sum(counted.values()) == sum(len(case.rules) for case in listed) > len(listed)


def test_the_first_fifty_cases_are_of_many_rules_and_utilities_and_a_querys_stand_together(empty: Store) -> None:
    # 120 queries whose first hits all have the teacher's lowest utility, 60 with one of their own, 60 without any.
    queries = [Query(f"q{at:03}", "?", (), "test") for at in range(240)]
    empty.add_collection(queries, [Passage(f"p{rank}", "", "text") for rank in (1, 2)])
    values = [-2.0] * 120 + [-1.0 - at / 100 for at in range(60)]
    empty.add_scored(
        [
            utility(query.query_id, f"p{rank}", value)
            for query, value in zip(queries, values, strict=False)
            for rank in (1, 2)
        ],
        "nats per token",
    )
    hits = [Hit("s@test", query.query_id, f"p{rank}", rank, 1 / rank) for query in queries for rank in (1, 2)]
    empty.add_run(run("s"), hits)
    listed = found(empty, "s", lines=Thresholds(margin=9))
    ids = [query_id for query_id, _ in groupby(case.query_id for case in listed)]
    assert len(ids) == len(set(ids)) == 240, "a query's cases stand together"
    rules = Counter(case.rules[0] for case in listed[:50])
    assert len(rules) >= 2
    assert max(rules.values()) <= 40
    of_rule_first = [case for case in listed if "useless but near" in case.rules][:50]
    assert Counter(case.utility for case in of_rule_first).most_common(1)[0][1] <= 10, "the lowest utility is spread"
    assert listed == found(empty, "s", lines=Thresholds(margin=9)), "the same order each time"


@pytest.mark.parametrize(
    "lines",
    [
        {"alike": 0.4}, {"alike": 1.1}, {"near": 0}, {"near": 1.5}, {"margin": -0.1}, {"useful": float("nan")},
        {"useless": float("inf")}, {"apart": -1.0}, {"far": float("inf")},
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_drawn_is_refused(lines: dict[str, float]) -> None:
    with pytest.raises(BadSetting, match=f"threshold {next(iter(lines))} is"):
        Thresholds(**lines)


def test_thresholds_are_read_from_settings() -> None:
    lines = Thresholds.parse(["useful=0.3", "near = 5"])
    assert lines == Thresholds(near=5, useful=0.3) != Thresholds(useful=0.3)
    assert repr(lines) == "Thresholds(useful=0.3, near=5)"
    for setting in ("useful", "useful=much", "=1"):
        with pytest.raises((BadSetting, UnknownName)):
            Thresholds.parse([setting])
    with pytest.raises(UnknownName, match="threshold named 'use'"):
        Thresholds(use=1.0)


def test_in_nats_the_usual_thresholds_are_fixed_and_in_other_units_they_follow_the_spread(store: Store) -> None:
    assert views.utility_scale(store, "toy") == UtilityScale("nats per token", 0.0, 1.0)
    in_nats = {threshold.name: threshold.default for threshold in views.known_thresholds().values()}
    assert views.usual_thresholds(store, "toy") == in_nats
    values = {("q1", "p/1"): 0.9, ("q1", "p 2"): 0.1, (Q2, "03"): 0.5, (Q2, "ü"): 0.9}
    store.add_scored([utility(*pair, value, "judge") for pair, value in values.items()], "probability")
    unit, zero, scale = views.utility_scale(store, "judge")
    assert (unit, zero, scale) == ("probability", useful_above("probability"), pytest.approx(0.11**0.5))
    assert next(counted for counted in views.teachers(store) if counted.teacher == "judge").helpful == 0.5
    usual = views.usual_thresholds(store, "judge")
    assert (usual["useful"], usual["useless"], usual["apart"]) == (0.666, 0.5, 0.166)
    assert (usual["far"], usual["alike"]) == (10, 0.8)
    assert views.utility_scale(store, "nobody") == UtilityScale("unknown", 0.0, 1.0)
    store.add_scored([utility("q1", "p/1", 3.0, "always")], "grade")
    assert views.utility_scale(store, "always") == UtilityScale("grade", 0.5, 1.0)
    store.add_scored([utility("q1", "p/1", 3.0, "imported:x")], "unknown")
    assert views.utility_scale(store, "imported:x") == UtilityScale("unknown", 3.0, 1.0)


def test_rules_mean_the_same_in_another_unit(store: Store) -> None:
    """Utilities of half the spread about 5, in an unknown unit, give the cases and strengths of those about 0."""
    rows = views.utilities(store, "toy")
    mean = sum(row.value for row in rows) / len(rows)
    spread = (sum((row.value - mean) ** 2 for row in rows) / len(rows)) ** 0.5
    store.add_scored([row._replace(teacher="in nats", value=(row.value - mean) / spread) for row in rows], "nats")
    store.add_scored([row._replace(teacher="other", value=5 + row.value / 2) for row in rows])
    after = views.find_run(store, "before", "test")
    for case, same in zip(
        *(views.hard_cases(store, teacher, after, None, Thresholds(far=2)) for teacher in ("in nats", "other")),
        strict=True,
    ):
        assert (case[:2], case.rules) == (same[:2], same.rules)
        assert case.strength == pytest.approx(same.strength, abs=0.01)


def test_teachers_of_different_units_are_held_against_their_own_lines(store: Store) -> None:
    values = {("q1", "p/1"): 0.1, ("q1", "p 2"): 0.2, ("q1", "03"): 0.8, ("q1", "ü"): 0.9}
    store.add_scored([utility(*pair, value, "judge") for pair, value in values.items()], "probability")
    opposed = of_rule(found(store), "teachers disagree")
    assert opposed.keys() == values.keys() - {("q1", "p 2")}, "that one is useless to both"
    assert opposed["q1", "p/1"].why == "utility +2.00 (place 1 of the candidates), yet judge says +0.10 (place 4)"
