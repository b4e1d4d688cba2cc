"""Encodings, line ends, compression and JSON lines."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadInput
from workbench.formats.parsing.gathering import Gathering, Problem
from workbench.formats.parsing.lines import json_objects, open_text, write_lines

LINES = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n")), max_size=5)


def read(path: Path) -> tuple[list[tuple[int, str]], list[Problem]]:
    problems: list[Problem] = []
    return list(open_text(path, problems)), problems


@given(lines=LINES, name=st.sampled_from(["a.txt", "a.txt.gz"]))
def test_lines_come_back(lines: list[str], name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("lines") / name
    write_lines(["first", *lines], path)
    assert read(path) == (list(enumerate(["first", *lines], start=1)), [])


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("packed", [False, True])
def test_every_spelling_of_a_text_file_reads_alike(start: bytes, end: bytes, packed: bool, tmp_path: Path) -> None:
    content = start + "é\u2028x".encode() + end + end + b"z"
    path = tmp_path / "a.txt"
    path.write_bytes(gzip.compress(content) if packed else content)
    assert read(path) == ([(1, "é\u2028x"), (2, ""), (3, "z")], [])


def test_a_line_that_is_not_utf8_is_named_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\ntw\xf6\nthree\n")
    lines, problems = read(path)
    assert lines == [(1, "one"), (3, "three")]
    assert problems == [Problem(str(path), 2, "not UTF-8: byte 3 of the line")]


def test_a_cut_compressed_file_keeps_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    content = gzip.compress("".join(f"line {number * 7919}\n" for number in range(20_000)).encode())
    path.write_bytes(content[: len(content) // 2])
    lines, problems = read(path)
    assert 0 < len(lines) < 20_000
    assert [problem.line for problem in problems] == [len(lines) + 1]
    assert "ends early" in problems[0].what


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt.gz", gzip.compress(b"text\n", mtime=0)[:12], "damaged or ends early"),
        ("a.txt.gz", b"no gzip at all", "not gzip"),
        ("a.txt", "text".encode("utf-16"), "UTF-16"),
        ("a.txt", None, "no such file"),
    ],
)
def test_a_file_of_which_nothing_can_be_read_is_refused(
    name: str, content: bytes | None, said: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=said) as caught:
        read(tmp_path / name)
    assert caught.value.file == str(tmp_path / name)


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="found a folder"):
        read(tmp_path)


def test_lines_that_are_no_object_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n\n[1]\n{"a": }\nnull\n' + "[" * 100_000 + '\n{"a": ' + "9" * 5_000 + '}\n{"b": 2}\n{"c"')
    gathering = Gathering()
    assert list(json_objects(path, gathering)) == [(1, {"a": 1}), (8, {"b": 2})]
    assert [problem.line for problem in gathering.problems] == [3, 4, 5, 6, 7, 9]
    assert gathering.problems[0].what == "expected a JSON object, found [1]"
    assert "at character 7" in gathering.problems[1].what


def test_a_file_appears_only_whole(tmp_path: Path) -> None:
    def broken() -> object:
        yield "one"
        raise ZeroDivisionError

    path = tmp_path / "a.txt"
    path.write_text("before\n")
    with pytest.raises(ZeroDivisionError):
        write_lines(broken(), path)  # type: ignore[arg-type]
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "before\n"


def test_the_same_lines_give_the_same_compressed_bytes(tmp_path: Path) -> None:
    for name in ("a.gz", "b.gz"):
        write_lines(["x", "y"], tmp_path / name)
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()
    assert (tmp_path / "a.gz").read_bytes()[4:8] == bytes(4), "a time stamp in the header"
