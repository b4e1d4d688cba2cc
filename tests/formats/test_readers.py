"""What holds for every reader: the table of names, free imports, and no surprise from any content."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workbench.errors import BadInput
from workbench.formats import read_beir, read_qrels, read_run, read_table

MARKS = [b" ", b"\t", b"\n", b"\r\n", b"\r", b'"', b"{", b"}", b"[", b"]", b":", b",", b"\xff", b"\xef\xbb\xbf", b"\0"]
WORDS = [
    b"q1",
    b"p1",
    b"0",
    b"1",
    b"null",
    b"NaN",
    b'"metadata"',
    b"\\ud800",
    b"query,passage\n",
    b'{"_id": "q1", "text": "x"}\n',
]
PIECES = st.sampled_from([*MARKS, *WORDS])
CONTENTS = st.lists(st.one_of(PIECES, st.binary(max_size=3)), max_size=25).map(b"".join)


def test_importing_the_formats_is_free() -> None:
    heavy = "{'torch', 'numpy', 'pyarrow', 'pandas', 'duckdb'}"
    code = f"import sys, workbench.formats, workbench.sample; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.jsonl", "t.csv.gz", "t.parquet", "qrels", "run", "beir"])
@given(content=CONTENTS)
@example(content=b"\x1f\x8b")
@example(content=b"\x1f\x8b\x08" + bytes(9))
def test_no_content_surprises_a_reader(name: str, content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("any")
    path = folder / name
    if name == "beir":
        for part in ("corpus.jsonl", "queries.jsonl", "qrels/dev.tsv"):
            (path / part).parent.mkdir(parents=True, exist_ok=True)
            (path / part).write_bytes(content)
    else:
        path.write_bytes(content)
    read = {"qrels": read_qrels, "run": read_run, "beir": read_beir}.get(name, read_table)
    try:
        found = read(path)
    except BadInput as trouble:
        assert Path(trouble.file).is_relative_to(folder)
    else:
        assert all(problem.line > 0 and problem.what for problem in found.problems)
