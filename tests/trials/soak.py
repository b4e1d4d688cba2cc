"""A soak: everything at once on one workspace, killed at random moments; at the end nothing is lost, doubled or broken.

`python -m tests.trials.soak --minutes 30` serves a workspace to four sessions of the dashboard, while processes score,
train, annotate, ingest, read as notebooks do and do what a script in the shell does. All but the readers are killed
again and again, and go on. What each was told is kept must be there at the end. It prints seed, load and what it saw.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np

from tests import children
from tests.screenshots import served
from tests.steps.classes import QUERIES, base, pairs
from tests.trials import verbs
from tests.trials.visitor import Visitor
from tests.trials.workers import WORKERS, Log, work
from workbench import students
from workbench.store import Store, views
from workbench.upkeep.diagnosis import doctor

SESSIONS = 4
PAGES = ("", "utility", "train", "students", "diff", "annotate", "ingest")
SECONDS_TO_LIVE = (3.0, 40.0)  # of a worker, before it is killed
READERS = ("reading one", "reading two")


@dataclass
class Seen:
    """What a soak saw: how often workers were killed, seconds of each question and of pages by name, what was wrong."""

    kills: int = 0
    pages: dict[str, list[float]] = field(default_factory=lambda: {page or "overview": [] for page in PAGES})
    questions: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def visit(address: str, ends: float, chance: random.Random, seen: Seen) -> None:
    """Open page after page."""
    visitor = Visitor(address)
    while time.monotonic() < ends:
        page = chance.choice(PAGES)
        name = page or "overview"
        try:
            seconds, exceptions = visitor.visit(page)
        except Exception as error:
            seen.wrong.append(f"page {name}: {error!r}")
            return
        seen.pages[name].append(seconds)
        seen.wrong += [f"page {name}: {exception}" for exception in exceptions]
        time.sleep(chance.uniform(0.5, 3.0))
    visitor.close()


def supervise(name: str, folder: Path, untrained: str, ends: float, chance: random.Random, seen: Seen) -> None:
    """Let a worker work, kill it at a random moment, and start it again."""
    while time.monotonic() < ends:
        log = folder / f"{name}.jsonl"
        worker = children.call(work, name, folder / "ws", untrained, log)
        lives = ends if name in READERS else min(ends, time.monotonic() + chance.uniform(*SECONDS_TO_LIVE))
        while time.monotonic() < lives and worker.poll() is None:
            time.sleep(0.05)
        if worker.poll() is not None:
            seen.wrong.append(f"{name} ended by itself: {worker.stderr.strip()[-500:]}")
            time.sleep(1.0)
            continue
        worker.kill()
        worker.wait()
        seen.kills += 1


def compare(store: Store, folder: Path, seen: Seen) -> dict[str, int]:
    """Compare what was acknowledged with what is there; return how much was acknowledged, by worker."""
    logs = {name: Log(folder / f"{name}.jsonl").lines() for name in WORKERS}
    notes = [int(row.note) for row in views.verdicts(store)]
    acknowledged = logs["annotating"]
    if sorted(notes) != list(range(len(notes))) or not len(acknowledged) <= len(notes) <= len(acknowledged) + 1:
        seen.wrong.append(f"{len(acknowledged)} annotations were acknowledged, {len(notes)} are there: {notes[-9:]}")
    expected = {(query.query_id, passage) for query, passage, _ in pairs()}
    for number in logs["scoring"]:
        rows = [(row.query_id, row.passage_id) for row in views.utilities(store, f"round:{number}")]
        if sorted(rows) != sorted(expected):
            seen.wrong.append(f"round {number} has {len(rows)} utilities of {len(expected)}")
    for name in logs["training"]:
        try:
            students.load(students.find(name, store.students))
            hits = views.hits(store, views.find_run(store, name, "test"))
            assert len({hit.query_id for hit in hits}) == len(QUERIES) // 3
        except Exception as error:
            seen.wrong.append(f"{name}: {error!r}")
    ids = [passage.passage_id for passage in views.passages(store) if passage.passage_id.startswith("more ")]
    wanted = {f"more {number} {row}" for number in logs["ingesting"] for row in range(20)}
    if len(ids) != len(set(ids)) or not wanted <= set(ids) or len(ids) % 20:
        seen.wrong.append(f"{len(wanted)} passages were acknowledged, {len(ids)} are there")
    for name in READERS:
        seen.questions += [value for value in logs[name] if isinstance(value, float)]
        seen.wrong += [f"{name}: {value}" for value in logs[name] if not isinstance(value, float)]
    seen.wrong += [f"doctor: {finding}" for finding in doctor(store).findings if finding.state == "bad"]
    return {name: len(lines) for name, lines in logs.items()}


def soak(minutes: float, seed: int, folder: Path) -> Seen:
    """Soak a workspace in a folder for so many minutes, and return what was seen."""
    seen, untrained = Seen(), base(folder / "untrained")
    store = verbs.workspace(folder)
    verbs.VERBS["evaluate"](store, untrained)
    with served(store.path, folder / "dashboard.log") as address:
        ends = time.monotonic() + 60 * minutes
        calls: list[tuple[Callable[..., None], tuple[object, ...]]] = [
            (visit, (address, ends, random.Random(f"{seed} {number}"), seen)) for number in range(SESSIONS)
        ]
        calls += [
            (supervise, (name, folder, untrained, ends, random.Random(f"{seed} {name}"), seen)) for name in WORKERS
        ]
        threads = [threading.Thread(target=target, args=arguments) for target, arguments in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    counts = compare(store, folder, seen)
    log = (folder / "dashboard.log").read_text(encoding="utf-8", errors="replace")
    if "Traceback" in log:
        seen.wrong.append(f"the dashboard's log: {log[log.index('Traceback') :][:2_000]}")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{minutes:g} minutes, seed {seed}, {os.cpu_count()} processors, load {load}; {seen.kills} kills")
    print("acknowledged:", ", ".join(f"{name} {count:,}" for name, count in counts.items()))
    pages = {f"times {page}": seconds for page, seconds in seen.pages.items()}
    for what, seconds in {**pages, "pages": [*chain(*seen.pages.values())], "questions": seen.questions}.items():
        if seconds:
            p50, p99 = np.percentile(seconds, [50, 99])
            print(f"{len(seconds):,} {what}: p50 {p50:.2f} s, p99 {p99:.2f} s, at most {max(seconds):.2f} s")
    print(*(seen.wrong or ["nothing lost, doubled or broken"]), sep="\n")
    return seen


def main() -> None:
    """Soak, and end with 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as folder:
        sys.exit(bool(soak(arguments.minutes, arguments.seed, Path(folder)).wrong))


if __name__ == "__main__":
    main()
