"""Two large TREC runs, imported and compared: seconds and peak memory of each part, beside ir_measures and DiffIR.

    python -m tests.benchmarks.runs [QUERIES DEPTH] [--diffir PYTHON]

The collection is made up: short passages, one to three judged a query, runs of 1,000 random passages with the judged
ones somewhere among them. Every part is a process of its own, so that its peak memory is its own. ir_measures measures
the first tenth of one run's queries, and so do we beside it.

PYTHON is an interpreter that has DiffIR, which makes a page of that tenth of both runs, as we do beside it. DiffIR asks
for pytrec-eval, which has no wheel for this Python and downloads sources of trec_eval while it is being built; the same
module comes with pytrec-eval-terrier:

    python3 -m venv PLACE && PLACE/bin/pip install --no-deps diffir
    PLACE/bin/pip install pytrec-eval-terrier ir-measures ir-datasets intervaltree "mako~=1.1" nltk pandas \\
        pyahocorasick rich
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import workbench as wb
from tests.benchmarks.machine import description
from workbench.evaluation.measures import MEASURES, per_query
from workbench.records import Passage, Qrel, Query
from workbench.report import Report, Shown, page, write
from workbench.steps.compare import run_measures
from workbench.store import Store, views

PASSAGES = 100_000
CUT = 10
PEAK = "import resource; print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"


def make(folder: Path, queries: int, depth: int) -> None:
    """Write the workspace, two runs, and the first tenth of their queries as files of their own."""
    chance = random.Random(0)
    names = [f"p{number:06d}" for number in range(PASSAGES)]
    all_queries = [Query(f"q{number}", f"What is question {number}?", (), "test") for number in range(queries)]
    judged = {
        q.query_id: {p: chance.choice((1, 1, 2)) for p in chance.sample(names, chance.randint(1, 3))}
        for q in all_queries
    }
    qrels = [Qrel(query_id, *judgement) for query_id, relevant in judged.items() for judgement in relevant.items()]
    store = Store(folder / "workspace", create=True)
    store.add_collection(all_queries, [Passage(name, "", f"A short passage, {name}.") for name in names], qrels)
    cut = set(list(judged)[: queries // CUT])
    (folder / "cut.qrels").write_text("".join(f"{q} 0 {p} {r}\n" for q, p, r in qrels if q in cut))
    for run, reach in (("before", 0.3), ("after", 0.29)):
        with (folder / f"{run}.run").open("w") as whole, (folder / f"{run}.cut").open("w") as part:
            for query_id, relevant in judged.items():
                ranked = [p for p in chance.sample(names, depth) if p not in relevant]
                for passage_id in relevant:
                    ranked.insert(min(int(chance.paretovariate(reach)) - 1, depth), passage_id)
                lines = [
                    f"{query_id} Q0 {passage_id} {rank} {round(20 - rank / 64, 4)} {run}\n"
                    for rank, passage_id in enumerate(ranked[:depth], start=1)
                ]
                whole.writelines(lines)
                part.writelines(lines if query_id in cut else [])


def apart(name: str, statements: str) -> float:
    """Run statements in a process of their own, print its seconds and peak memory, and return the seconds."""
    code = f"import sys; import workbench as wb; from tests.benchmarks import runs; {statements}; {PEAK}"
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - started
    peak = int(done.stderr.rpartition("peak ")[2]) / 2**20
    print(f"{name:<46}{seconds:8.1f} s{peak:8.2f} GiB   {done.stdout.strip()}", flush=True)
    return seconds


def compared(place: str) -> None:
    """Measure one run's cut with ir_measures and with the workbench, and print both times and how far they differ."""
    folder = Path(place)
    store = Store(folder / "cut", create=True)
    whole = Store(folder / "workspace")
    chosen = {line.split()[0] for line in (folder / "cut.qrels").read_text().splitlines()}
    qrels = [qrel for qrel in views.qrels(whole) if qrel.query_id in chosen]
    store.add_collection(views.queries(whole, ids=chosen), views.passages(whole), qrels)
    wb.ingest(store, "run", folder / "before.cut")
    run = views.find_run(store, "before", "test")
    started = time.perf_counter()
    ours = run_measures.measure(store, run, MEASURES, run_measures.Judgements.of(store, "test")).values
    middle = time.perf_counter()
    rankings = views.rankings(store, run)
    loaded = time.perf_counter()
    theirs = per_query(MEASURES, qrels, rankings)
    ended = time.perf_counter()
    apart = max(abs(theirs[name][q] - value) for name, of_query in ours.items() for q, value in of_query.items())
    print(
        f"workbench {middle - started:.2f} s, ir_measures {ended - loaded:.2f} s and {loaded - middle:.2f} s to load: "
        f"{(ended - loaded) / (middle - started):.0f} times; furthest apart {apart:.0e}"
    )


def beside(place: str, python: str) -> None:
    """Take a tenth of both runs from files to a page of 50 queries, here and in DiffIR, and print seconds and ratio."""
    folder = Path(place)
    store, names = Store(folder / "cut"), ("before.cut", "after.cut")
    (folder / "passages.tsv").write_text("".join(f"{p.passage_id}\t{p.text}\n" for p in views.passages(store)))
    (folder / "queries.tsv").write_text("".join(f"{q.query_id}\t{q.text}\n" for q in views.queries(store)))
    started, busy = time.perf_counter(), time.process_time()
    for name in names:
        wb.ingest(store, "run", folder / name, wb.IngestSettings(replace=True))
    diff = wb.diff(store, "before", "after", "nDCG@10")
    write(folder / "ours.html", page(store, Report(diff), Shown(top=50)))
    ours = time.perf_counter() - started, time.process_time() - busy
    script = Path(__file__).with_name("theirs.py")
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, str(script), place, *names],
        stdout=subprocess.PIPE, text=True, check=True, env=clean | {"IR_DATASETS_HOME": str(folder / "ir_datasets")},
    )  # fmt: skip
    theirs = [float(seconds) for seconds in done.stdout.split()[-2:]]
    sizes = [(folder / name).stat().st_size / 1e6 for name in ("ours.html", "diffir.html")]
    unit = "seconds on the clock and of the processor"
    print(
        f"from files to a page, {unit}: workbench {ours[0]:.1f} and {ours[1]:.1f} ({sizes[0]:.1f} MB, 7 measures with "
        f"tests), DiffIR {theirs[0]:.1f} and {theirs[1]:.1f} ({sizes[1]:.1f} MB, 9 measures without): "
        f"{theirs[0] / ours[0]:.1f} and {theirs[1] / ours[1]:.1f} times ours"
    )


def main(queries: int, depth: int, diffir: str) -> None:
    """Make the data, and print what each part takes."""
    print(description())
    print(f"data      {queries:,} queries, {PASSAGES:,} passages, runs of {depth:,} a query")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make(folder, queries, depth)
        store = f"store = wb.Store({str(folder / 'workspace')!r})"
        files = [str(folder / f"{name}.run") for name in ("before", "after")]
        seconds = [
            apart(f"ingest {Path(file).name}", f"{store}; print(wb.ingest(store, 'run', {file!r}).hits, 'hits')")
            for file in files
        ]
        seconds.append(apart("diff, 7 measures", f"{store}; print(wb.diff(store, 'before', 'after').in_words)"))
        print(f"{'together':<46}{sum(seconds):8.1f} s   (30 s and 2 GiB are asked for)")
        apart(f"measures of 1/{CUT} of one run", f"runs.compared({place!r})")
        if diffir:
            beside(place, diffir)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("queries", type=int, nargs="?", default=10_000)
    parser.add_argument("depth", type=int, nargs="?", default=1_000)
    parser.add_argument("--diffir", default="", metavar="PYTHON", help="an interpreter that has DiffIR")
    main(**vars(parser.parse_args()))
