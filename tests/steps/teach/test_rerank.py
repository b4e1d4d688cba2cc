"""Re-ranking by a teacher is a student: its order, what it asks for, and where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import workbench as wb
from tests.conftest import run, utility
from tests.shell import shell, worked
from workbench.errors import BadSetting, NothingToDo
from workbench.records import Failure, Group, Hit, Passage, Scored
from workbench.steps.compare.ranking.rerank import Reranking
from workbench.steps.teach import rerank as step
from workbench.store import Store, arrow, views

TOY = "rerank:toy@2/before"
Q2 = "http://q/2?x=1"


def order(store: Store, student: str, query_id: str) -> list[str]:
    """Return a query's passages as a student ranks them, below the run's depth too."""
    hits = views.hits(store, views.find_run(store, student, "test"), [query_id])
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert [hit.similarity for hit in hits] == sorted((hit.similarity for hit in hits), reverse=True)
    return [hit.passage_id for hit in hits]


class Asked:
    """A teacher that likes long texts; `groups` holds what it was asked, `at_once` how many queries together."""

    name, unit = "length:1", "grade"

    def __init__(self) -> None:
        self.groups: list[tuple[str, list[str]]] = []
        self.at_once: list[int] = []

    def prepare(self, collection: object) -> None:
        """Read nothing."""

    def utilities(self, groups: Sequence[Group]) -> Iterator[list[Scored]]:
        self.at_once.append(len(groups))
        for query, passages in groups:
            self.groups.append((query.query_id, [passage.passage_id for passage in passages]))
            yield [utility(query.query_id, one.passage_id, float(len(one.text)), self.name)._replace(answers=())
                   for one in passages]  # fmt: skip


def test_the_first_are_in_the_teachers_order_and_the_rest_stays(store: Store) -> None:
    # before: "p 2", "ü", "p/1", "03" for q1; utilities: p/1 2.0, 03 0.0, p 2 -0.5, ü -1.0
    assert order(store, "before", "q1") == ["p 2", "ü", "p/1", "03"]
    assert wb.evaluate(store, TOY).student == TOY
    assert order(store, TOY, "q1") == ["p 2", "ü", "p/1", "03"]
    assert order(store, TOY, Q2) == ["ü", "03", "p/1", "p 2"]
    store.add_run(run("deep", depth=4), [
        Hit("deep@test", "q1", passage, rank, 1 / rank) for rank, passage in enumerate(["p 2", "ü", "p/1", "03"], 1)
    ])  # fmt: skip
    assert order(store, wb.evaluate(store, "rerank:toy@3/deep").student, "q1") == ["p/1", "p 2", "ü", "03"]


def test_it_stands_beside_other_students(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(arrow, "table", None)  # no row of it is in Python
        wb.evaluate(store, TOY)
    diff = wb.diff(store, "before", TOY, "R@1")
    assert [(delta.query_id, delta.change) for delta in diff.deltas] == [(Q2, -1.0), ("q1", 0.0)]
    assert TOY in [row.student for row in wb.leaderboard(store).students]
    assert worked("evaluate", TOY, "--json", workspace=store.path).json[0]["student"] == TOY


def test_failures_follow_what_was_scored_in_the_first_order(store: Store) -> None:
    store.add_scored([Failure("q1", "p 2", "judge", "refused"), utility("q1", "ü", -9.0, "judge")])
    store.add_scored([utility(Q2, "03", 1.0, "judge"), utility(Q2, "ü", 1.0, "judge")])
    wb.evaluate(store, "rerank:judge@2/before")
    assert order(store, "rerank:judge@2/before", "q1")[:2] == ["ü", "p 2"]
    assert order(store, "rerank:judge@2/before", Q2)[:2] == ["03", "ü"]  # equal utilities, in the run's order


def test_the_teacher_is_asked_only_if_told_and_only_for_what_is_missing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step, "WINDOW", 2)
    store.add_scored([utility("q1", "p 2", 1.0, "length:1")], "grade")
    with pytest.raises(NothingToDo, match=r"3 pairs of 2 queries have no utility of length:1.*workbench rerank before"):
        wb.evaluate(store, "rerank:length@2/before")
    teacher = Asked()
    evaluation = wb.rerank(store, "before", teacher, depth=2)
    assert teacher.groups == [(Q2, ["03", "ü"]), ("q1", ["ü"])]
    assert teacher.at_once == [1, 1], "the texts of so many pairs are in memory at once"
    assert evaluation.student == "rerank:length:1@2/before"
    assert order(store, evaluation.student, "q1")[:2] == ["ü", "p 2"]
    assert wb.rerank(store, "before", again := Asked(), depth=2).measures == evaluation.measures
    assert again.groups == []


def test_queries_without_answers_keep_their_order_where_the_teacher_reads_answers(store: Store) -> None:
    store.add_run(run("before", "dev"), [Hit("before@dev", "q4", "03", 1, 0.5), Hit("before@dev", "q4", "ü", 2, 0.4)])
    with pytest.raises(NothingToDo, match="can score none of these passages: no query has a reference answer"):
        wb.rerank(store, "before", wb.teacher("lexical"), depth=2, split="dev")
    wb.score(store, wb.teacher("lexical"), split="train")
    lexical = wb.rerank(store, "before", wb.teacher("lexical"), depth=2, split="dev")
    assert [hit.passage_id for hit in views.hits(store, views.find_run(store, lexical.student, "dev"))] == ["03", "ü"]
    judged = Asked()
    wb.rerank(store, "before", judged, depth=2, split="dev")
    assert judged.groups == [("q4", ["03", "ü"])]


def test_passages_without_text_are_not_asked_about(store: Store) -> None:
    store.add_collection((), [Passage("-id", "", "")])
    store.add_run(run("odd"), [Hit("odd@test", "q1", "-id", 1, 0.5), Hit("odd@test", "q1", "ü", 2, 0.4)])
    wb.rerank(store, "odd", teacher := Asked(), depth=2)
    assert teacher.groups == [("q1", ["ü"])]
    assert order(store, "rerank:length:1@2/odd", "q1") == ["ü", "-id"]


def test_names_are_read_as_they_are_written() -> None:
    name = Reranking("likelihood:org/model-1:plain-2:mean:float32", 20, "org/student")
    assert Reranking.parse(str(name)) == name
    assert Reranking.parse("rerank:lexical@0/bm25") is None
    assert Reranking.parse("static:all-MiniLM-L6-v2") is None


def test_what_cannot_be_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="2 deep"):
        wb.evaluate(store, "rerank:toy@3/before")
    with pytest.raises(NothingToDo, match="no run of 'nobody'"):
        wb.evaluate(store, "rerank:toy@2/nobody")
    with pytest.raises(BadSetting, match="is a re-ranking by a teacher"):
        wb.candidates(store, TOY)
    assert shell("rerank", "before", "--teacher", "oracle", workspace=store.path).code == 1
