"""What the shell prints: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from workbench import direction
from workbench.formats.writing.rows import json_list
from workbench.jobs import Reporter
from workbench.progress import ProgressLines, Stopwatch, in_words, listening
from workbench.records import Listener, Progress

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

# A terminal obeys control characters, so those of a text are shown as Unicode's pictures of them: ␛ for escape.
_PICTURES = {code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"} | {0x7F: 0x2421}
_PICTURES |= dict.fromkeys(range(0x80, 0xA0), 0xFFFD)
# Marks, embeddings, overrides and isolates of direction: with them a text could show an id or a command as another.
_PICTURES |= dict.fromkeys(map(ord, direction.MARKS), ord(direction.REPLACEMENT))


def jsonable(value: Any) -> Any:
    """Return a result as what JSON can say: dataclasses, in the fields that they print, and NamedTuples as objects."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: jsonable(getattr(value, field.name)) for field in fields(value) if field.repr}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: jsonable(part) for name, part in value._asdict().items()}
    if isinstance(value, dict):
        return {str(key): jsonable(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [jsonable(part) for part in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value


def silence() -> None:
    """Print nothing from now on: another process of the same command prints it."""
    out.quiet = err.quiet = True


def line(text: str) -> None:
    """Print a line of the result, as text: ids and passages may hold anything."""
    out.print(plain(text), soft_wrap=True)


def note(text: str) -> None:
    """Print a remark that is not part of the result."""
    err.print(plain(text), style="dim", soft_wrap=True)


def plain(text: str) -> Text:
    """Return a text that is printed as it is: no markup, no emoji codes, nothing that a terminal would obey."""
    return Text(text.translate(_PICTURES))


def as_json(value: Any) -> None:
    """Print a result as one JSON document."""
    if out.quiet:
        return
    sys.stdout.write(json.dumps(jsonable(value), ensure_ascii=False, indent=2) + "\n")


def as_json_list(values: Iterable[Any]) -> None:
    """Print results as one JSON list, each as it comes."""
    if out.quiet:
        return
    sys.stdout.writelines(json_list(map(jsonable, values), indent=2))
    sys.stdout.write("\n")


def table(header: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "") -> None:
    """Print rows in columns; numbers right, counts with thousands separators."""
    grid = Table(
        title=plain(title) if title else None, title_justify="left", box=None, pad_edge=False, header_style="bold"
    )
    for column, name in enumerate(header):
        numeric = all(isinstance(row[column], (int, float)) or row[column] is None for row in rows)
        grid.add_column(plain(name), justify="right" if numeric and rows else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(plain(_cell(cell)) for cell in row))
    out.print(grid)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


@contextmanager
def progress(reporter: Reporter | None) -> Iterator[Listener]:
    """Yield a listener that draws bars on a terminal, or prints a line every few seconds, and informs the job.

    Within the block it also hears of what is not handed a listener.
    """
    with _bars() if err.is_terminal and reporter is None else _lines(reporter) as listen, listening(listen):
        yield listen


@contextmanager
def _lines(reporter: Reporter | None) -> Iterator[Listener]:
    lines = ProgressLines(note)

    def listen(at: Progress) -> None:
        if reporter:
            reporter.progress(at)
        lines(at)

    yield listen


@contextmanager
def _bars() -> Iterator[Listener]:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[words]}", markup=False),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=err, transient=True) as bar:
        tasks: dict[str, Any] = {}
        stopwatch = Stopwatch()

        def listen(at: Progress) -> None:
            if at.step not in tasks:
                tasks[at.step] = bar.add_task(at.step, total=None, words="")
            words = in_words(at, stopwatch.pace(at))
            bar.update(tasks[at.step], completed=at.done, total=at.total or None, words=words)

        yield listen
