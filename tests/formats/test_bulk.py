"""Reading in bulk says what reading line by line says, or says that it cannot."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.test_trec import IDS, SIMILARITIES, WORDS
from tests.profiles import examples
from tests.rankings import by_query
from workbench.errors import BadInput
from workbench.formats import bulk, read_run, write_run
from workbench.formats.bulk import bulk_run


def everything(path: Path) -> tuple[str, list[tuple[str, str, float]]]:
    """Return the name and all hits of a run read in bulk."""
    name, tables = bulk_run(path)
    return name, [tuple(row.values()) for table in tables for row in table.to_pylist()]


@given(
    ranked=st.dictionaries(st.tuples(IDS, IDS), SIMILARITIES, min_size=1, max_size=12),
    name=WORDS,
    file=st.sampled_from(["run.txt", "run.gz"]),
    size=st.sampled_from([64, 1 << 20]),
)
def test_what_is_written_reads_alike_both_ways(
    ranked: dict, name: str, file: str, size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("bulk") / file
    write_run(name, by_query((*pair, similarity) for pair, similarity in ranked.items()), path)
    found = read_run(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulk, "_read", lambda file, _: file.read(size))
        assert everything(path) == (found.name, list(found.hits))


SPACES = st.text(" \t\v\f\r", min_size=1, max_size=3)
LINES = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["q", "é", "#1", '"q']),
            SPACES,
            st.sampled_from(["Q0", "0"]),
            SPACES,
            st.sampled_from(["a", "b", "NA", "null", "nan"]),
            SPACES,
            st.sampled_from(["1", "x"]),
            SPACES,
            st.sampled_from(["1", "-1e3", ".5", "+1", "1_0", "nan", "inf", "1e999", "1e-999", "x", "0x1", "٣", "5."]),
            SPACES,
            st.sampled_from(["me", "me", "me", "you"]),
            st.one_of(st.just(""), SPACES),
        ).map("".join),
        SPACES,
        st.sampled_from(["", "q Q0 a 1 0.5", "q Q0 a 1 0.5 me me", "\ufeffq Q0 c 1 0.5 me"]),
    ),
    max_size=3,
)


@examples(400)
@given(lines=LINES, start=st.sampled_from(["", "\ufeff"]), end=st.sampled_from(["\n", "\r\n"]), last=st.booleans())
def test_whatever_the_lines_are_it_agrees_or_refuses(
    lines: list[str], start: str, end: str, last: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("bulk") / "run.txt"
    path.write_bytes((start + end.join(lines) + (end if last else "")).encode())
    try:
        name, hits = everything(path)
    except BadInput:
        return  # who reads line by line finds out why, and may know better
    found = read_run(path)
    repeated = [each for each in found.problems if "was ranked for query" not in each.what]
    assert (name, repeated) == (found.name, [])
    assert list({hit[:2]: None for hit in hits}) == [hit[:2] for hit in found.hits]
    assert set(found.hits) <= set(hits)


@pytest.mark.parametrize("line", ["q  Q0\ta 1\t 0.5 me", " q Q0 a 1 0.5 me \r", "q\tQ0\ta\t1\t0.5\tme"])
def test_the_usual_spacings_are_read(line: str, tmp_path: Path) -> None:
    (tmp_path / "run.txt").write_bytes(f"{line}\n\n{line}".encode())
    assert everything(tmp_path / "run.txt") == ("me", [("q", "a", 0.5)] * 2)


@pytest.mark.parametrize("content", [b"", b"\n \n", b"q Q0 \xff 1 0.5 me\n", b"q Q0 a \xff 0.5 me\n", b"\xff\xfeq\x00"])
def test_what_cannot_be_read_in_bulk_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "run.txt").write_bytes(content)
    with pytest.raises(BadInput):
        everything(tmp_path / "run.txt")


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    packed = gzip.compress(b"".join(b"q Q0 p%d 1 0.5 me\n" % n for n in range(9000)))
    (tmp_path / "run.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(BadInput, match="damaged"):
        everything(tmp_path / "run.gz")
