"""Coverage-guided fuzzing of the readers by atheris: any content is read, or refused as BadInput; nothing else.

`python -m tests.trials.fuzz --minutes 10` fuzzes each reader in turn for so long, in a process of its own, beginning
with the valid files of tests/trials/samples.py. A crash is printed with the input that leads to it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

READERS = ("table.jsonl", "table.csv", "table.tsv", "table.parquet", "a.qrels", "a.run", "tasks.json")
LONGEST = 4_096  # bytes of an input


def reader(name: str) -> Callable[[Path], object]:
    """Return what reads a file of this name."""
    from datetime import UTC, datetime

    from workbench.formats import read_qrels, read_run, read_table
    from workbench.formats.labelling import read_labelled
    from workbench.formats.parsing.lookup import Lookup
    from workbench.records import Passage, Query

    if name.startswith("table"):
        return read_table
    if name == "tasks.json":
        known = Lookup([Query("test1", "Who?")], ["p1-0"], lambda: [Passage("p1-0", "", "x")])
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        return lambda path: [read_labelled(kind, path, known, "ada", moment) for kind in ("argilla", "labelstudio")]
    return read_qrels if name == "a.qrels" else read_run


def fuzz(name: str, seconds: float, folder: str) -> None:
    """Fuzz a reader with files in a folder, in this process, which ends with it and cleans up nothing."""
    import atheris

    with atheris.instrument_imports(include=["workbench.formats"]):  # which nothing has imported before
        from tests.trials.samples import samples

        read = reader(name)
    from workbench.errors import BadInput, UnknownName

    corpus, file = Path(folder, name, "corpus"), Path(folder, name, name)
    corpus.mkdir(parents=True)
    for sample in samples().values():
        for place, content in sample.files.items():
            if Path(place).name == name:
                (corpus / sample.kind).write_bytes(content)

    def one(content: bytes) -> None:
        file.write_bytes(content)
        with suppress(BadInput, UnknownName):
            read(file)

    options: list[Any] = [f"-max_total_time={seconds:.0f}", f"-max_len={LONGEST}", "-rss_limit_mb=3000", "-timeout=60"]
    atheris.Setup([sys.argv[0], str(corpus), *options], one)
    atheris.Fuzz()


def main() -> None:
    """Fuzz each reader, or the one that is named; end with 1 if any of them failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reader", nargs="?", choices=READERS)
    parser.add_argument("--minutes", type=float, default=10.0)
    arguments = parser.parse_args()
    if find_spec("atheris") is None:
        print("Fuzzing: skipped, as atheris is not installed (pip install '.[fuzz]'; there is none for every Python).")
        return
    codes = {}
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        for name in (arguments.reader,) if arguments.reader else READERS:
            code = f"from tests.trials.fuzz import fuzz; fuzz({name!r}, {60 * arguments.minutes}, {folder!r})"
            codes[name] = subprocess.run([sys.executable, "-c", code], check=False).returncode
    print(", ".join(f"{name}: {'nothing' if not code else f'failed ({code})'}" for name, code in codes.items()))
    sys.exit(any(codes.values()))


if __name__ == "__main__":
    main()
