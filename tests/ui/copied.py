"""What a page shows to copy, taken out of it and run: shell lines in this process, notebook cells, links."""

from __future__ import annotations

import ast
import json
import re
import shlex
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from streamlit.testing.v1 import AppTest

from tests.shell import worked
from tests.ui.pages import text_of


@dataclass(frozen=True)
class Reproduction:
    """The shell lines, the notebook cell and the link under "How to reproduce this view"."""

    lines: list[str]
    cell: str
    link: str

    @property
    def params(self) -> dict[str, str]:
        """Return what the link asks for."""
        return dict(parse_qsl(urlsplit(self.link).query))


def reproduction(at: AppTest) -> Reproduction:
    """Return what a page shows to copy at its foot."""
    folded = next(block for block in at.expander if block.label == "How to reproduce this view")
    lines, cell, link = (block.value for block in folded.code)
    return Reproduction(lines.splitlines(), cell, link)


def printed_lines(at: AppTest) -> list[str]:
    """Return every shell line of a page."""
    return [line for block in at.code for line in block.value.splitlines() if line.startswith("workbench ")]


def run_line(line: str, *more: str) -> Any:
    """Run a shell line in this process and return its result."""
    program, *arguments = shlex.split(line)
    assert program == "workbench"
    return worked(*arguments, *more, "--json").json


def run_cell(cell: str) -> dict[str, Any]:
    """Run a notebook cell; return its variables, and the value of its last line as "_"."""
    *statements, last = ast.parse(cell).body
    assert isinstance(last, ast.Expr)
    variables: dict[str, Any] = {}
    exec(compile(ast.Module(statements, []), "cell", "exec"), variables)
    variables["_"] = eval(compile(ast.Expression(last.value), "cell", "eval"), variables)
    return variables


def tiles(at: AppTest) -> dict[str, tuple[str, str]]:
    """Return the key numbers of a page: label -> value and note."""
    pattern = r'<span class="wb-label">(.*?)</span><b>(.*?)</b><span class="wb-note">(.*?)</span>'
    blocks = "".join(element.value for element in at.html)
    return {unescape(label): (unescape(value), unescape(note)) for label, value, note in re.findall(pattern, blocks)}


def table(at: AppTest, column: str) -> list[dict[str, Any]]:
    """Return the rows of the last table with a column of this name."""
    frames = [frame.value for frame in at.dataframe if column in frame.value.columns]
    return frames[-1].to_dict("records") if frames else []


def pictured(at: AppTest, figure: Any) -> bool:
    """Return whether a page draws this figure."""
    data = json.loads(figure.to_json())["data"]
    return any(json.loads(element.proto.spec)["data"] == data for element in at.get("plotly_chart"))


def lead(at: AppTest, sentence: str) -> bool:
    """Return whether a page says a sentence."""
    return " ".join(sentence.split()) in " ".join(text_of(at).split())
