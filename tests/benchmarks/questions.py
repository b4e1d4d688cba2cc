"""Every page's first render and the verbs behind them on workspaces of any size: seconds and peak memory of each.

    python -m tests.benchmarks.questions WORKSPACE ... [--only PART]

The workspaces are those of `tests.benchmarks.large`. Every question is a process of its own, so that its peak memory
is its own. A page is rendered by Streamlit's AppTest, without a browser: by a new server, again, which is what comes
with the next click, and after each change of `tests.benchmarks.changes`. Seconds are of the processor, which hold on a
machine that others use too, and on the clock. Pages and verbs are tables of their own, in Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from tests.benchmarks.changes import CHANGES
from tests.benchmarks.large import STUDENTS
from tests.benchmarks.machine import description
from workbench.store import Store
from workbench.ui.shell.navigation import PAGES

COPY = "FOLDER/copy"
# Whole lists and triplets of a million passages would have hundreds of gigabytes. A file takes another one's place.
_FEW = ("--split", "test", "--set", "passages=8")
EXPORTS: tuple[tuple[str, ...], ...] = (
    ("export", "qrels", "FOLDER/test.qrels"),
    ("export", "utilities", "FOLDER/export.parquet"),
    ("export", "triplets", "FOLDER/export.jsonl", "--split", "test", "--set", "passages=1", "--set", "useful=1.4"),
    ("export", "pairs", "FOLDER/export.parquet", *_FEW),
    ("export", "listwise", "FOLDER/export.parquet", *_FEW),
    ("export", "flagembedding", "FOLDER/export.jsonl", *_FEW),
    ("export", "huggingface", "FOLDER/dataset", "--set", "passages=8"),
    ("export", "labelstudio", "FOLDER/export.json"),
)
VERBS: tuple[tuple[str, ...], ...] = (
    ("info",),
    ("leaks",),
    ("health",),
    ("diff", *STUDENTS),
    ("agreement", STUDENTS[1], "--before", STUDENTS[0]),
    ("cases", STUDENTS[1], "--before", STUDENTS[0]),
    ("cases", STUDENTS[1], "--before", STUDENTS[0], "--queries", "500"),
    ("export", "beir", "FOLDER/beir"),
    ("export", "run", "FOLDER/after.run", "--student", STUDENTS[1]),
    *EXPORTS,
    # What was exported makes a new workspace, in which the run is an imported one.
    ("--workspace", "FOLDER/new", "ingest", "beir", "FOLDER/beir"),
    ("--workspace", "FOLDER/new", "ingest", "run", "FOLDER/after.run"),
    ("--workspace", "FOLDER/new", "evaluate", STUDENTS[1]),
    ("students",),
    ("diff", *STUDENTS, "--html", "FOLDER/report.html"),
    ("search", "When was the city founded?", "--student", "bm25"),
    ("latency", "bm25", "--teacher", "lexical"),
    ("doctor",),
    ("backup", "FOLDER/backup"),
    ("--workspace", "FOLDER/restored", "restore", "FOLDER/backup"),
    # What writes does so in a copy of the workspace.
    ("--workspace", COPY, "evaluate", f"rerank:likelihood@20/{STUDENTS[1]}"),
    ("--workspace", COPY, "score", "--teacher", "lexical", "--limit", "500"),
    ("--workspace", COPY, "combine", "likelihood", "lexical"),
    ("--workspace", COPY, "rerank", STUDENTS[1], "--teacher", "lexical"),
    ("export", "quepid", "FOLDER/ratings.csv"),
    ("--workspace", COPY, "ingest", "quepid", "FOLDER/ratings.csv", "--annotator", "ada"),
    ("--workspace", COPY, "split", "--by", "passages"),
    ("--workspace", COPY, "compact"),
    ("--workspace", COPY, "candidates", "--student", "bm25"),
)
LIMIT = 900  # seconds on the clock, after which a question counts as unanswered


class Taken(NamedTuple):
    """What a question took: seconds of the processor and on the clock, those of further renders, and peak memory in GB.

    `renders` are those of a page in the same process: again, and after each change.
    """

    processor: float
    clock: float
    memory: float
    renders: tuple[float, ...] = ()
    failed: str = ""

    def __str__(self) -> str:
        renders = "".join(f" {seconds:.1f} |" for seconds in self.renders)
        return f"| {self.processor:.1f} | {self.clock:.1f} |{renders} {self.memory:.2f} {self.failed}|"


def rendered(page: str) -> None:
    """Render a page of the workspace, again and after each change; print the seconds of these and what failed."""
    from streamlit.testing.v1 import AppTest

    from tests.ui.pages import ROOT

    at = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=LIMIT)
    at.query_params.update({"before": STUDENTS[0], "after": STUDENTS[1]} if page == "diff" else {})
    at.switch_page(f"pages/{page}.py")
    at.run()
    failed = [entry.message for entry in at.exception] + [entry.value for entry in at.error]
    renders = []
    for change in (None, *CHANGES.values()):
        if change:
            change(Store(os.environ["WORKBENCH_WORKSPACE"]))
        busy = time.process_time()
        at.run()
        renders.append(time.process_time() - busy)
    print(json.dumps({"renders": renders, "failed": " ".join(failed)}))


def measured(workspace: Path, arguments: list[str]) -> Taken:
    """Ask one question in a process of its own."""
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        child = subprocess.Popen(
            [sys.executable, *arguments], stdout=output, stderr=errors, text=True,
            env=os.environ | {"WORKBENCH_WORKSPACE": str(workspace)},
        )  # fmt: skip
        watch = threading.Timer(LIMIT, child.kill)
        watch.start()
        _, status, used = os.wait4(child.pid, 0)
        watch.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        clock, processor = time.perf_counter() - started, used.ru_utime + used.ru_stime
        memory = used.ru_maxrss * 1024 / 1e9
        for file in (output, errors):
            file.seek(0)
        if child.returncode:
            last = errors.read().strip().splitlines()[-1:] or [f"ended by {child.returncode}"]
            return Taken(processor, clock, memory, (), last[0])
        nothing: dict[str, Any] = {"renders": (), "failed": ""}
        page = json.loads(output.read().splitlines()[-1]) if arguments[0] == "-c" else nothing
    return Taken(processor, clock, memory, tuple(page["renders"]), page["failed"])


def questions(place: Path) -> dict[str, list[str]]:
    """Return the arguments of Python for every question, pages first; what is exported goes to `place`."""
    pages = {
        f"page {page.title}": ["-c", f"from tests.benchmarks import questions; questions.rendered({page.name!r})"]
        for page in PAGES
    }
    verbs = {
        "workbench " + " ".join(verb): ["-m", "workbench", *(word.replace("FOLDER", str(place)) for word in verb)]
        for verb in VERBS
    }
    return pages | verbs


def main(workspaces: list[Path], only: str, place: Path | None) -> None:
    """Print a table of what each question takes on each workspace."""
    print(description())
    renders = [f"{name} s" for name in ("again", *(f"after {change}" for change in CHANGES))]
    for kind, columns in (("page", renders), ("workbench", [])):
        cells = ["question", "workspace", "processor s", "clock s", *columns, "peak GB"]
        print(f"\n| {' | '.join(cells)} |\n|---|---|{'---:|' * (len(cells) - 2)}")
        for workspace in workspaces:
            with nullcontext(place) if place else tempfile.TemporaryDirectory() as folder:
                copy = Path(COPY.replace("FOLDER", str(folder)))
                for name, arguments in questions(Path(folder)).items():
                    if name.startswith(kind) and only in name:
                        if str(copy) in arguments and not copy.exists():
                            shutil.copytree(workspace, copy)
                        print(f"| {name} | {workspace.name} {measured(workspace.resolve(), arguments)}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("workspaces", type=Path, nargs="+", metavar="WORKSPACE")
    parser.add_argument("--only", default="", metavar="PART", help="only questions whose name has this part")
    parser.add_argument(
        "--place", type=Path, help="the folder for what is exported, kept; a temporary one unless given"
    )
    main(**vars(parser.parse_args()))
