"""Two Ray nodes give the store that this process gives, row by row, and lose nothing when one of them is lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from tests.engines.object_storage import s3
from tests.engines.teachers import Odd, OddSettings, Unready, asked
from tests.steps.classes import base, collection
from workbench.engines import engine
from workbench.errors import WorkbenchError
from workbench.records import Progress
from workbench.steps.compare.evaluate import evaluate
from workbench.steps.teach.candidates import candidates
from workbench.steps.teach.scoring.score import ScoreResult, score
from workbench.store import Store, views

# Ray goes by the loopback address only where it is told that there is no other machine, before it is imported.
os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'utility-workbench[cluster]'")

pytestmark = [
    pytest.mark.process,
    pytest.mark.filterwarnings("ignore:A worker was lost"),
    pytest.mark.filterwarnings("ignore:The cluster has had no room"),
]
ROWS = 12


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Start two nodes of one CPU each on this machine, which takes half a minute where it is busy."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 100 * 2**20, "node_ip_address": "127.0.0.1"}
    patient = {"RAY_raylet_start_wait_time_s": "240", "RAY_USAGE_STATS_ENABLED": "0"}
    with patch.dict(os.environ, patient), ExitStack() as stack:
        if find_spec("s3fs") and find_spec("moto"):
            os.environ["TEST_SHARDS"] = stack.enter_context(s3())
        nodes = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
        nodes.add_node(**node)
        yield nodes
        nodes.shutdown()


@pytest.fixture
def school(tmp_path: Path) -> Store:
    return collection(tmp_path / "ws")


@pytest.fixture
def expected(tmp_path: Path) -> list[Any]:
    other = collection(tmp_path / "other")
    score(other, Odd(OddSettings(log=str(tmp_path / "asked-here"))))
    return rows_of(other)


def rows_of(store: Store) -> list[Any]:
    (name,) = (row.teacher for row in views.teachers(store) if row.teacher.startswith("lexical"))
    return sorted(views.utilities(store, name))


def scored_by_ray(
    school: Store, cluster: Any, teacher: Odd, listen: Any = lambda _: None, **settings: Any
) -> ScoreResult:
    where = engine("ray", address=cluster.address, rows=ROWS, **settings)
    return score(school, teacher, listen=listen, engine=where)


def test_two_nodes_give_the_same_store(school: Store, cluster: Any, expected: list[Any], tmp_path: Path) -> None:
    here = signal.getsignal(signal.SIGTERM)
    teacher = Odd(OddSettings(log=str(tmp_path / "asked")))
    shards = os.environ.get("TEST_SHARDS", str(tmp_path / "shards"))
    done = scored_by_ray(school, cluster, teacher, shards=shards)
    assert (done.pairs, done.failures, done.remaining) == (144, 0, 0)
    assert rows_of(school) == expected
    assert len(asked(teacher)) == 24
    assert scored_by_ray(school, cluster, teacher).pairs == 0
    assert signal.getsignal(signal.SIGTERM) is here
    assert not ray.is_initialized()


def test_two_nodes_encode_what_this_process_does(school: Store, cluster: Any, tmp_path: Path) -> None:
    student, other = base(tmp_path / "base"), collection(tmp_path / "other")
    where = engine("ray", address=cluster.address, rows=5)
    steps: list[tuple[str, int]] = []
    evaluation = evaluate(school, student, "test", listen=lambda at: steps.append((at.step, at.done)), engine=where)
    assert ("encode", 5) in steps
    assert evaluation.measures == evaluate(other, student, "test").measures
    (run,), (same,) = views.runs(school), views.runs(other)
    assert views.hits(school, run) == views.hits(other, same)
    proposed = candidates(school, student, depth=4, engine=where)
    assert proposed.proposed == candidates(other, student, depth=4).proposed
    assert views.candidates_of(school, "test") == views.candidates_of(other, "test")


def test_a_killed_worker_loses_nothing(school: Store, cluster: Any, expected: list[Any], tmp_path: Path) -> None:
    teacher = Odd(OddSettings(log=str(tmp_path / "asked"), fatal="test3"))
    with pytest.warns(UserWarning, match="A worker was lost"):
        done = scored_by_ray(school, cluster, teacher)
    assert rows_of(school) == expected
    assert (done.pairs, done.remaining) == (144, 0)
    assert 24 < len(asked(teacher)) <= 26, "only the shard at hand is computed again"


def test_what_ends_every_worker_and_what_none_can_begin_is_said(school: Store, cluster: Any, tmp_path: Path) -> None:
    fatal = Odd(OddSettings(log=str(tmp_path / "asked"), fatal="test3", always=True))
    with pytest.raises(WorkbenchError, match="4 workers were lost with shard"):
        scored_by_ray(school, cluster, fatal)
    with pytest.raises(RuntimeError, match="no model here"):
        scored_by_ray(school, cluster, Unready(OddSettings(log=str(tmp_path / "begun"))))


def test_ctrl_c_leaves_no_worker(school: Store, cluster: Any, expected: list[Any], tmp_path: Path) -> None:
    def interrupt(at: Progress) -> None:
        if at.done > 30 and not stopped:
            stopped.append(at.done)
            raise KeyboardInterrupt

    stopped: list[int] = []

    teacher = Odd(OddSettings(log=str(tmp_path / "asked"), pause=0.05))
    assert scored_by_ray(school, cluster, teacher, interrupt).interrupted
    time.sleep(1)
    begun = len(asked(teacher))
    time.sleep(1)
    assert len(asked(teacher)) == begun
    scored_by_ray(school, cluster, teacher)
    assert rows_of(school) == expected


def test_a_removed_node_loses_nothing(school: Store, cluster: Any, expected: list[Any], tmp_path: Path) -> None:
    teacher = Odd(OddSettings(log=str(tmp_path / "asked"), pause=0.3))

    def remove(at: Progress) -> None:
        if at.done and cluster.worker_nodes:
            cluster.remove_node(*cluster.worker_nodes, allow_graceful=False)

    done = scored_by_ray(school, cluster, teacher, remove)
    assert not cluster.worker_nodes
    assert rows_of(school) == expected
    assert (done.pairs, done.remaining) == (144, 0)
