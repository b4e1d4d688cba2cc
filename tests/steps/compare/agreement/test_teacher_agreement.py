"""Agreement with a teacher on the toy store, by hand; the share kept; what cannot be said is counted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scipy.special import rel_entr, softmax

from tests.conftest import QUERIES, run, utility
from workbench.errors import BadSetting, NothingToDo
from workbench.evaluation.teacher_agreement import TEACHER_AGREEMENTS
from workbench.records import Candidate, Hit, Passage, Qrel, Query
from workbench.steps.compare.agreement.common_pools import AgreementSettings
from workbench.steps.compare.agreement.teacher_agreement import closeness, teacher_agreement
from workbench.store import Store

Q2 = "http://q/2?x=1"


def _hits(name: str, orders: dict[str, str], scale: float = 1.0) -> list[Hit]:
    return [
        Hit(f"{name}@test", query_id, passage, rank, scale * (1 - rank / 8))
        for query_id, order in orders.items()
        for rank, passage in enumerate(order, start=1)
    ]


@pytest.fixture
def taught(empty: Store) -> Callable[..., Store]:
    """Return a function that fills a store: the teacher finds a the best, b next and c worst, and a is relevant."""

    def made(base: list[str], student: list[str], *, judged: bool = True) -> Store:
        ids = [f"q{place}" for place in range(len(base))]
        qrels = [Qrel(query_id, "a", 1) for query_id in ids] if judged else []
        empty.add_collection([Query(q, f"what {q}", (), "test") for q in ids], [Passage(p, p, p) for p in "abc"], qrels)
        empty.add_candidates(Candidate(q, p, "bm25") for q in ids for p in "abc")
        empty.add_scored([utility(q, p, value) for q in ids for p, value in zip("abc", (2.0, 1.0, 0.0), strict=True)])
        for name, orders in (("base", base), ("student", student)):
            empty.add_run(run(name, depth=3), _hits(name, dict(zip(ids, orders, strict=True))))
        return empty

    return made


def test_the_toy_queries_have_the_values_that_a_hand_finds(store: Store) -> None:
    settings = AgreementSettings(teacher_temperature=1.0, student_temperature=0.5)
    found = teacher_agreement(store, "after", before="before", settings=settings)
    rows = {row.query_id: row for row in found.rows}
    assert rows["q1"].before["regret"] == 2.5
    assert rows[Q2].before["regret"] == 0.75
    assert [rows[q].after["top-1"] for q in ("q1", Q2)] == [1.0, 1.0]
    # q1 after: p/1 2, p 2 -0.5, ü -1, 03 0, at the similarities 0.875, 0.75, 0.625, 0.5
    p, q = softmax([2, -0.5, -1, 0]), softmax([1.75, 1.5, 1.25, 1])
    assert rows["q1"].after["KL"] == pytest.approx(rel_entr(p, q).sum())
    assert rows["q1"].after["Kendall"] == pytest.approx((4 - 2) / 6)
    assert rows["q1"].text == QUERIES[0].text
    assert found.rows[0].after["KL"] > found.rows[1].after["KL"]
    by_kind = {each.measure: each for each in found.comparisons}
    assert set(by_kind) == set(TEACHER_AGREEMENTS) == set(found.after)
    assert by_kind["regret"].difference.mean == pytest.approx(-(2.5 + 0.75) / 2)
    assert found.after["top-1"].mean == 1.0
    assert (found.before, found.undefined, found.left_out, found.no_cosine) == ("before", {}, 0, ())
    assert found.temperatures.source == "given"


def test_less_divergence_is_closer_and_less_correlation_is_farther(taught: Callable[..., Store]) -> None:
    found = teacher_agreement(taught(["abc"] * 9, ["cba"] * 9), "student", before="base")
    by_kind = {each.measure: each for each in found.comparisons}
    assert {closeness(each) for each in by_kind.values()} == {"farther from the teacher"}
    assert by_kind["KL"].difference.mean > 0 > by_kind["Kendall"].difference.mean
    turned = teacher_agreement(taught(["abc"] * 9, ["cba"] * 9), "base", before="student")
    assert {closeness(each) for each in turned.comparisons} == {"closer to the teacher"}
    same = teacher_agreement(taught(["abc"] * 9, ["abc"] * 9), "student", before="base")
    assert {closeness(each) for each in same.comparisons} == {"no difference shown"}


def test_the_teachers_temperature_is_the_median_spread_of_the_train_split_if_that_was_scored(store: Store) -> None:
    assert teacher_agreement(store, "after").temperatures.source == "median spread on the test split"
    store.add_scored([utility("007", "ü", 3.0), utility("007", "03", -1.0)])
    found = teacher_agreement(store, "after").temperatures
    assert (found.teacher, found.student, found.source) == (2.0, 0.05, "median spread on the train split")
    with pytest.raises(BadSetting, match="teacher's temperature"):
        teacher_agreement(store, "after", settings=AgreementSettings(teacher_temperature=0.0))


def test_a_student_alone_has_no_comparison_and_nothing_kept(store: Store) -> None:
    found = teacher_agreement(store, "after")
    assert (found.before, found.comparisons, found.gap_recovered, found.reliability_before) == ("", (), (), {})
    assert all(row.before == {} for row in found.rows)
    assert "over 2 queries" in found.in_words


def test_of_many_queries_an_even_sample_is_measured_and_that_is_said(taught: Callable[..., Store]) -> None:
    store = taught(["abc", "cba"] * 6, ["bac", "abc"] * 6)
    every = teacher_agreement(store, "student", before="base")
    drawn = teacher_agreement(store, "student", before="base", settings=AgreementSettings(queries=5))
    assert all(row in every.rows for row in drawn.rows)
    assert drawn.after["KL"].n == drawn.comparisons[0].difference.n == drawn.gap_recovered[0].lead.n == 5
    assert "over 5 queries, drawn evenly." in drawn.in_words
    assert drawn.remarks[0] == "Measured on 5 of the 12 queries that it has scored, drawn evenly."
    assert drawn.remarks[1:] == every.remarks


def test_what_cannot_be_said_is_counted_and_not_filled_in(store: Store) -> None:
    store.add_collection(
        [Query(name, name, (), "test") for name in ("one", "equal", "silent")], [Passage("x", "", "x")], []
    )
    store.add_scored([utility("one", "p/1", 1.0), utility("equal", "p/1", 1.0), utility("equal", "ü", 1.0)])
    store.add_scored([utility("silent", "p/1", 1.0), utility("silent", "ü", 0.0), utility("q1", "x", 9.0)])
    hits = _hits("third", {"one": ["p/1"], "equal": ["ü", "p/1"], "q1": ["03", "p/1"]})  # type: ignore[dict-item]
    store.add_run(run("third"), hits)
    found = teacher_agreement(store, "third")
    assert found.undefined == {"equal utilities": 1, "fewer than two passages": 1, "no ranking": 2}
    assert [(row.query_id, row.passages) for row in found.rows] == [("q1", 2)]
    assert found.left_out == 3  # p 2, ü and x of q1, which the run does not know
    assert found.after["KL"].n == 1
    assert any("Agreement is undefined for 4 queries" in remark for remark in found.remarks)


def test_nothing_shared_is_said_in_words(store: Store) -> None:
    with pytest.raises(NothingToDo, match="There is no run of 'after' on the dev split"):
        teacher_agreement(store, "after", split="dev")
    store.add_run(run("mute"), [])
    with pytest.raises(NothingToDo, match="toy and mute share no query"):
        teacher_agreement(store, "mute")


def test_half_of_the_advantage_is_kept_where_half_of_the_queries_came_right(taught: Callable[..., Store]) -> None:
    found = teacher_agreement(taught(["bac"] * 8, ["abc"] * 4 + ["bac"] * 4), "student", before="base")
    kept = {each.measure: each for each in found.gap_recovered}
    assert (kept["R@1"].before.mean, kept["R@1"].teacher.mean) == (0.0, 1.0)
    share = kept["R@1"].share
    assert share is not None
    assert (share.mean, share.n) == (0.5, 8)
    assert 0 < share.low < 0.5 < share.high < 1
    assert kept["AP"].share is not None
    assert kept["AP"].share.mean == pytest.approx(0.5)
    assert "Performance gap recovered in R@1: 50%" in found.in_words
    assert "over only 8 judged queries" in found.in_words


def test_without_an_advantage_of_the_teacher_no_share_is_said(store: Store) -> None:
    found = teacher_agreement(store, "after", before="before")
    assert found.gap_recovered[0].share is None  # the teacher is right once, the student before as often
    assert "no lead in R@1" in found.in_words


def test_a_student_worse_than_its_base_kept_nothing(taught: Callable[..., Store]) -> None:
    fell = teacher_agreement(taught(["bac"] * 8, ["bca"] * 8), "student", "toy", before="base", split="test")
    by_measure = {each.measure: each for each in fell.gap_recovered}
    share = by_measure["AP"].share
    assert share is not None
    assert share.high < 0
    assert by_measure["AP"].share_in_words.startswith("-")


def test_a_lead_that_the_verdict_does_not_show_has_no_share(taught: Callable[..., Store]) -> None:
    # Five of eight come right by the teacher: the interval of its lead excludes 0, and p = 2/32 is not below 0.05.
    compared = teacher_agreement(taught(["abc"] * 3 + ["bac"] * 5, ["abc"] * 8), "student", before="base")
    (gap,) = (one for one in compared.gap_recovered if one.measure == "R@1")
    assert gap.lead.low > 0
    assert (gap.share, gap.share_in_words) == (None, "no lead shown")


def test_without_judgements_there_is_agreement_and_no_share(taught: Callable[..., Store]) -> None:
    found = teacher_agreement(taught(["bac"] * 8, ["abc"] * 8, judged=False), "student", before="base")
    assert found.gap_recovered == ()
    assert set(found.reliability) == {"teacher", "useful", "utility"}
    assert found.after["Kendall"].mean == pytest.approx(1.0)


def test_a_similarity_that_is_no_cosine_is_told(taught: Callable[..., Store]) -> None:
    store = taught(["bac"] * 8, ["abc"] * 8)
    store.add_run(run("bm25", depth=3), _hits("bm25", {f"q{n}": "cab" for n in range(8)}, scale=20.0))
    found = teacher_agreement(store, "student", before="bm25")
    assert found.no_cosine == ("bm25",)
    assert any("bm25 are no cosines" in remark for remark in found.remarks)
    assert found.headline is not None
    assert found.headline.measure == "Kendall"
