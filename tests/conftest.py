"""A toy workspace of a few queries, small enough to check by hand."""

from __future__ import annotations

import gc
import os
import random
import shutil
import signal
import tempfile
from datetime import UTC, datetime
from multiprocessing.util import Finalize
from pathlib import Path

import pytest

from workbench import machine

# The models of the tests are of some kilobytes and gain nothing from a second thread; the workers share the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A console reads its width when it is made, with the first import of the shell: tables are not to be folded.
os.environ["COLUMNS"] = "200"
machine.prepare()

from tests import profiles  # noqa: E402
from tests.workspaces import copy_of  # noqa: E402
from workbench.records import AnswerLikelihood, Candidate, Hit, Passage, Qrel, Query, Run, Utility  # noqa: E402
from workbench.store import Store  # noqa: E402

Snapshots = dict[str, Path | Exception]
SEED = f"WORKBENCH_TEST_SEED={profiles.SEED}"
LONGEST = ("browser", "process", "slow")  # markers, of those that take longest first
PASSAGES = (
    Passage("p/1", "Oil", "The embargo of 1973 raised the price of oil."),
    Passage("p 2", "Oil", "Oil is a liquid."),
    Passage("03", "", "Rivers run to the sea."),
    Passage("ü", "Sea", "The sea is salt; rivers are not."),
)
QUERIES = (
    Query("q1", "What raised the price of oil?", ("the embargo", "embargo"), "test"),
    Query("http://q/2?x=1", "Where do rivers run?", ("the sea",), "test"),
    Query("007", "What is salt?", ("the sea",), "train"),
    Query("q4", "Who knows?", (), "dev"),
)
QRELS = (Qrel("q1", "p/1", 1), Qrel("http://q/2?x=1", "03", 1), Qrel("007", "ü", 2), Qrel("007", "03", 0))


def utility(query_id: str, passage_id: str, value: float, teacher: str = "toy") -> Utility:
    """Return a utility of `value` nats per token from an answer of two tokens."""
    return Utility(query_id, passage_id, teacher, value, (AnswerLikelihood("a", 2, 2 * value - 8.0, -8.0),), 0)


def run(name: str, split: str = "test", depth: int = 2) -> Run:
    """Return a run of student `name`."""
    return Run(f"{name}@{split}", name, split, depth, "c0ffee", datetime(2026, 1, 1, tzinfo=UTC))


def toy(store: Store) -> None:
    """Fill a store with a collection, candidates, two runs and one teacher."""
    toy_without_utilities(store)
    store.add_scored(
        [utility("q1", "p/1", 2.0), utility("q1", "p 2", -0.5), utility("q1", "03", 0.0), utility("q1", "ü", -1.0)],
        "nats per token",
    )
    q2 = "http://q/2?x=1"
    store.add_scored([utility(q2, "03", 0.25), utility(q2, "ü", 1.0)])
    store.add_scored([utility(q2, "p/1", -1.0), utility(q2, "p 2", -1.0)])


def toy_without_utilities(store: Store) -> None:
    """Fill a store with a collection, candidates and two runs."""
    store.add_collection(QUERIES, PASSAGES, QRELS)
    store.add_candidates(
        Candidate(query.query_id, passage.passage_id, "bm25") for query in QUERIES[:3] for passage in PASSAGES
    )
    q2 = "http://q/2?x=1"
    store.add_run(run("before"), _hits("before@test", {"q1": ["p 2", "ü", "p/1", "03"], q2: ["03", "ü", "p/1", "p 2"]}))
    store.add_run(run("after"), _hits("after@test", {"q1": ["p/1", "p 2", "ü", "03"], q2: ["ü", "p/1", "03", "p 2"]}))


def nothing(store: Store) -> None:
    """Leave a store as empty as it is."""


@pytest.fixture
def empty(tmp_path: Path) -> Store:
    return copy_of(nothing, tmp_path / "a workspace")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return copy_of(toy, tmp_path / "a workspace")


@pytest.fixture
def snapshots(monkeypatch: pytest.MonkeyPatch) -> Snapshots:
    """Stand in for the hub: what each repository gives, from its cache or at all; no network."""
    import huggingface_hub

    snapshots: Snapshots = {}

    def snapshot_download(repository: str, *, local_files_only: bool = False, **_: object) -> str:
        snapshot = snapshots.get(("cached " if local_files_only else "") + repository)
        if isinstance(snapshot, Path):
            return str(snapshot)
        raise snapshot or huggingface_hub.errors.LocalEntryNotFoundError("not here")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    return snapshots


def _hits(name: str, orders: dict[str, list[str]]) -> list[Hit]:
    return [
        Hit(name, query_id, passage_id, rank, 1 - rank / 8)
        for query_id, order in orders.items()
        for rank, passage_id in enumerate(order, start=1)
    ]


@pytest.fixture
def moments(request: pytest.FixtureRequest) -> random.Random:
    """Return what to draw random moments from, such as when to kill a process; a failure shows the seed."""
    print(SEED)
    return random.Random(f"{profiles.SEED} {request.node.name}")


def pytest_configure(config: pytest.Config) -> None:
    """Let Ctrl-C interrupt, and give tests and their children a temporary folder that goes with the session."""
    # What a shell starts in the background is told to ignore it, children too.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):  # the workers of pytest-xdist inherit the variables
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())  # what failed stays
        # Children that are killed, or end as forked processes do, leave their folders behind.
        folder = tempfile.mkdtemp(prefix="workbench-tests-")
        os.environ["TMPDIR"] = tempfile.tempdir = folder
        Finalize(None, shutil.rmtree, (folder, True), exitpriority=-200)  # after multiprocessing's own folder, at -100


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return half as many workers again as there are cores: a third of the time tests wait for pages and children."""
    return machine.cores() * 3 // 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker ends alone with it."""
    items.sort(key=lambda item: [item.get_closest_marker(name) is None for name in LONGEST])


def pytest_collection_finish() -> None:
    """Leave what is loaded by now to itself: each training collects garbage, and looking at a suite's takes 0.5 s."""
    gc.freeze()


def pytest_unconfigure() -> None:
    """Free what is loaded: libraries report what is never freed as leaked."""
    gc.unfreeze()


def pytest_report_header() -> str:
    return f"Hypothesis profile {profiles.PROFILE}; {SEED}"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--trials", type=int, default=1, help="how often to run each test with random moments")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests with random moments several times, each with moments of its own."""
    trials = metafunc.config.getoption("--trials")
    if "moments" in metafunc.fixturenames and trials > 1:
        metafunc.fixturenames.append("trial")
        metafunc.parametrize("trial", range(trials))
