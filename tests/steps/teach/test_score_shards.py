"""Scoring through shards gives the same store, whatever ends it in the midst; the local engine is the same way."""

from __future__ import annotations

import os
import signal
import warnings
from pathlib import Path
from typing import Any

import pytest

from tests import children
from tests.engines.teachers import Odd, OddSettings, asked
from tests.steps.classes import collection
from workbench.engines import ENGINES, engine, engine_settings, ray_cluster
from workbench.errors import BadSetting, Conflict, Damaged, UnknownName
from workbench.records import Candidate, Progress, Query
from workbench.steps.teach.scoring import score as step
from workbench.steps.teach.scoring.score import score
from workbench.store import Store, views
from workbench.teachers import teacher

ROWS = 20  # of a shard: three queries of six pairs each


@pytest.fixture
def school(tmp_path: Path) -> Store:
    """Return a collection with a query that the lexical teacher cannot score, and odd ids."""
    store = collection(tmp_path / "ws")
    store.add_collection([Query("-odd ü", "the question1", ("?!",), "dev")])
    store.add_candidates([Candidate("-odd ü", f"p1-{copy}", "bm25", copy) for copy in range(3)])
    return store


def odd(tmp_path: Path, **settings: Any) -> Odd:
    return Odd(OddSettings(log=str(tmp_path / "asked"), **settings))


def rows_of(store: Store) -> tuple[list[Any], list[Any]]:
    (name,) = (name for name in (row.teacher for row in views.teachers(store)) if name.startswith("lexical"))
    return sorted(views.utilities(store, name)), sorted(views.failures(store, name))


@pytest.fixture
def expected(tmp_path: Path, school: Store) -> tuple[list[Any], list[Any]]:
    """Return the rows that scoring without files gives, of another workspace."""
    other = Store(tmp_path / "other", create=True)
    other.add_collection(views.queries(school), views.passages(school))
    pairs = views.candidates_of(school, "train") | views.candidates_of(school, "dev")
    pairs |= views.candidates_of(school, "test")
    other.add_candidates(Candidate(query, passage, "bm25") for query, ids in pairs.items() for passage in ids)
    score(other, teacher("lexical"))
    utilities, failures = rows_of(other)
    assert len(utilities) == 144
    assert len(failures) == 3
    return utilities, failures


@pytest.mark.parametrize("shards", ["folder", "memory://shards"])
def test_with_and_without_shards_the_store_is_the_same(
    school: Store, expected: Any, tmp_path: Path, shards: str
) -> None:
    url = shards if "://" in shards else str(tmp_path / shards)
    progress: list[Progress] = []
    done = score(school, teacher("lexical"), listen=progress.append, engine=engine("local", shards=url, rows=ROWS))
    assert rows_of(school) == expected
    assert (done.pairs, done.failures, done.remaining, done.queries) == (147, 3, 0, 25)
    assert len({at.done for at in progress}) > 5, "rows are stored shard by shard"
    assert not [*(tmp_path / "folder").rglob("*.parquet")], "what is stored needs no shards"


def score_until_killed(workspace: Path, tmp_path: Path) -> None:
    """Be killed with a shard that is finished, and not stored."""
    commits = []

    def commit(buffer: step.ScoreBuffer) -> None:
        commits.append(len(buffer.rows))
        if len(commits) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        real(buffer)

    real, step.ScoreBuffer.commit = step.ScoreBuffer.commit, commit
    score(Store(workspace), odd(tmp_path), engine=engine("local", shards=str(tmp_path / "shards"), rows=ROWS))


@pytest.mark.process
@pytest.mark.parametrize("damaged", [False, True])
def test_killed_in_the_midst_finished_shards_are_not_computed_again(
    school: Store, expected: Any, tmp_path: Path, damaged: bool
) -> None:
    child = children.call(score_until_killed, school.path, tmp_path)
    assert child.wait() == -signal.SIGKILL, child.stderr
    before = asked(odd(tmp_path))
    (file,) = (tmp_path / "shards").rglob("finished/*.parquet")
    (tmp_path / "shards" / "of nobody.part").touch()
    if damaged:
        file.write_bytes(file.read_bytes()[:-40])
    shards = engine("local", shards=str(tmp_path / "shards"), rows=ROWS)
    with warnings.catch_warnings(record=True) as noted:
        done = score(school, odd(tmp_path), engine=shards)
    assert any(issubclass(one.category, Damaged) for one in noted) == damaged
    assert rows_of(school) == expected
    again = set(before) & set(asked(odd(tmp_path))[len(before) :])
    assert len(again) == (3 if damaged else 0)
    assert done.scored_before + done.failed_before + done.pairs == 147


def test_ctrl_c_keeps_what_is_finished(school: Store, expected: Any, tmp_path: Path) -> None:
    def interrupt(at: Progress) -> None:
        if at.done > 50 and not stopped:
            stopped.append(at.done)
            raise KeyboardInterrupt

    stopped: list[int] = []

    shards = engine("local", shards=str(tmp_path / "shards"), rows=ROWS)
    first = score(school, odd(tmp_path), listen=interrupt, engine=shards)
    assert first.interrupted
    assert 50 < first.pairs < 147
    score(school, odd(tmp_path), engine=shards)
    assert rows_of(school) == expected
    assert len(asked(odd(tmp_path))) <= 25 + 3, "at most the shard at hand is asked about again"


def test_two_callers_do_not_take_each_other_s_shards(school: Store, tmp_path: Path) -> None:
    shards = engine("local", shards=str(tmp_path / "shards"), rows=ROWS)

    def again(_: Progress) -> None:
        with pytest.raises(Conflict, match="Another process"):
            score(school, odd(tmp_path), engine=shards)

    assert score(school, odd(tmp_path), listen=again, engine=shards).remaining == 0


def test_a_teacher_that_asks_a_server_keeps_to_this_process(school: Store, tmp_path: Path) -> None:
    class Server(Odd):
        spent = "1 request"

        def estimate(self, groups: object) -> None:
            """Return nothing."""

    served = Server(OddSettings(log=str(tmp_path / "asked")))
    with pytest.raises(BadSetting, match="asks a server"):
        score(school, served, engine=engine("local", shards=str(tmp_path / "shards")))


def test_without_ray_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "find_spec", lambda _: None)
    with pytest.raises(BadSetting, match=r"not installed.*\[cluster\]"):
        engine("ray")


def test_engines_say_what_they_have() -> None:
    assert set(ENGINES) == {"local", "ray"}
    assert [setting.name for setting in engine_settings("ray")] == [
        "shards", "rows", "address", "workers", "cpus", "gpus",
    ]  # fmt: skip
    with pytest.raises(UnknownName):
        engine("dask")
    with pytest.raises(BadSetting, match="rows"):
        engine("local", rows=0)
