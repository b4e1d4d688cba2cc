"""Latency: search and re-ranking side by side, and nothing of it from a cache."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pytest

import workbench as wb
from tests.shell import worked
from tests.steps.classes import base, collection
from workbench.errors import BadSetting, NothingToDo
from workbench.records import Group, Scored
from workbench.retrieval.encoder import Encoder


class Slow:
    """A teacher that takes 300 ms a query, longer than a busy machine searches; `groups` holds what it was asked."""

    name, unit = "slow", "grade"

    def __init__(self) -> None:
        self.groups: list[Group] = []

    def prepare(self, passages: object) -> None:
        """Read nothing."""

    def utilities(self, groups: Sequence[Group]) -> Iterator[list[Scored]]:
        self.groups += groups
        time.sleep(0.3)
        yield []


def test_a_teacher_re_ranks_what_the_first_student_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, student = collection(tmp_path / "ws"), base(tmp_path / "base")
    wb.evaluate(store, student)  # the vectors are cached from here on
    encoded: list[str] = []
    encode = Encoder._encode
    monkeypatch.setattr(
        Encoder, "_encode", lambda self, model, kind, texts: encoded.extend(texts) or encode(self, model, kind, texts)
    )
    teacher = Slow()
    read = wb.views.passages

    def read_some(store: wb.Store, ids: Collection[str]) -> list[wb.Passage]:
        assert len(ids) == 4
        return read(store, ids)

    monkeypatch.setattr(wb.views, "passages", read_some)
    result = wb.latency(store, [student, "bm25"], teacher, depth=4, queries=5)
    assert [row.student for row in result.rows][-1] == f"rerank:slow@4/{student}"
    assert {row.student for row in result.rows} == {student, "bm25", f"rerank:slow@4/{student}"}
    assert (result.queries, result.slowest.student) == (5, f"rerank:slow@4/{student}")
    assert result.slowest.median >= 300
    assert all(row.low <= row.median <= row.high for row in result.rows)
    assert result.to_frame()["times_faster"].tolist()[-1] == 1.0
    assert "times faster" in result.in_words
    assert [len(group.passages) for group in teacher.groups] == [4] * 8  # three warm up
    ranked = wb.views.rankings(store, wb.views.find_run(store, student, "test"))
    for query, passages in teacher.groups:
        assert [passage.passage_id for passage in passages] == [
            ranked_id for ranked_id, _ in ranked[query.query_id][:4]
        ]
        assert all(passage.has_text for passage in passages)
    assert len(encoded) == 2 * 8  # by the student alone, and before re-ranking
    assert "rerank" not in {run.student.partition(":")[0] for run in wb.views.runs(store)}


def test_what_cannot_be_measured_is_refused(tmp_path: Path) -> None:
    store = collection(tmp_path / "ws")
    with pytest.raises(BadSetting, match="Nothing is to be measured"):
        wb.latency(store, [])
    store.add_collection([wb.Query("alone", "no answer", (), "other")])
    with pytest.raises(NothingToDo, match="0 queries of other to ask"):
        wb.latency(store, ["bm25"], wb.teacher("lexical"), split="other")


def test_the_shell_prints_it(tmp_path: Path) -> None:
    store = collection(tmp_path / "ws")
    printed = worked("latency", "bm25", "--teacher", "lexical", "--queries", 2, "--json", workspace=store.path)
    assert {row["student"].partition(":")[0] for row in printed.json["rows"]} == {"bm25", "rerank"}
    assert "times faster" in worked("latency", "bm25", "--teacher", "lexical", "--queries", 2, workspace=store.path).out
