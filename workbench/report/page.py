"""The report's one page: summary, measures, every query, and the most changed ones side by side."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from importlib import resources
from pathlib import Path
from string import Template

from workbench import files
from workbench.errors import WorkbenchError
from workbench.html.cards import table
from workbench.html.marking import html
from workbench.html.style import css
from workbench.report import queries, summary
from workbench.results import counted
from workbench.steps.compare.compare_runs import RunsComparison
from workbench.steps.compare.diff import Diff
from workbench.steps.compare.filters import ComparedQuery, Filters, compared_queries, filtered
from workbench.steps.compare.rank_similarity import RankSimilarityResult
from workbench.store import Store, views

LISTED = 1_000  # queries in the list: more would take the file past what a mail or a browser bears


@dataclass(frozen=True)
class Report:
    """What a report is about: a diff, a rank similarity (which then orders the queries), or both; many runs, if any."""

    diff: Diff | None = None
    rank_similarity: RankSimilarityResult | None = None
    table: RunsComparison | None = None


@dataclass(frozen=True)
class Shown:
    """How much is shown: the queries that pass `filters`, the first `top` of them opened, `depth` passages each."""

    filters: Filters = field(default_factory=Filters)
    top: int = 20
    depth: int = 10
    teacher: str | None = None


def page(store: Store, about: Report, shown: Shown | None = None) -> str:
    """Return the report as one HTML document that loads nothing from anywhere."""
    settings = shown or Shown()
    subject = about.rank_similarity or about.diff
    if subject is None:
        raise ValueError("a report needs a diff or a rank_similarity")
    title = f"{subject.before} → {subject.after}"
    rows = filtered(compared_queries(about.diff, about.rank_similarity), settings.filters)
    before, after = (views.find_run(store, name, subject.split) for name in (subject.before, subject.after))
    unit = views.teacher_unit(store, settings.teacher) if settings.teacher else "unknown"
    view = queries.View(before, after, settings.teacher, settings.depth, unit)
    opened = queries.opened(store, view, rows[: settings.top])
    body = [
        f"<h1>{html(title)}</h1>",
        *(f"<p>{html(one.in_words)}</p>" for one in (about.diff, about.rank_similarity) if one),
        f'<p class="soft">{html(about.rank_similarity.by)}: {html(about.rank_similarity.meaning)}.</p>'
        if about.rank_similarity
        else "",
        *summary.warnings(subject),
        *(summary.of_diff(about.diff) if about.diff else ()),
        *(summary.of_table(about.table) if about.table else ()),
        _listed(rows, about, settings),
        *_stepped(opened),
    ]
    here = resources.files("workbench.report")
    script = (here / "steps.js").read_text(encoding="utf-8")
    return Template((here / "template.html").read_text(encoding="utf-8")).substitute(
        # Nothing but this script may run, whatever a passage holds.
        hash=b64encode(sha256(script.encode()).digest()).decode(),
        title=html(title),
        style=css(),
        body="\n".join(part for part in body if part),
        script=script,
    )


def write(path: Path | str, text: str) -> Path:
    """Write a report; the file appears whole."""
    target = Path(path).expanduser()
    try:
        files.write_text(target, text)
    except OSError as trouble:
        raise WorkbenchError(
            f"{target} cannot be written: {trouble.strerror}.", "Name a file in a folder that you can write to."
        ) from trouble
    return target


def _listed(rows: Sequence[ComparedQuery], about: Report, shown: Shown) -> str:
    by = about.rank_similarity.by if about.rank_similarity else ""
    head = ["query", *([by] if by else []), *(["before", "after", "change"] if about.diff else []), ""]
    filtered = html(f"Only the queries {shown.filters.in_words}.") if shown.filters.in_words else ""
    listed = [
        queries.cells(row, bool(by), about.diff is not None, place if place <= shown.top else 0)
        for place, row in enumerate(rows[:LISTED], start=1)
    ]
    if not listed:
        return '<h2>Query by query</h2><p class="soft">No query passes this filter. ' + filtered + "</p>"
    drawn = f"The first {LISTED:,} of {len(rows):,}, most changed first. " if len(rows) > LISTED else ""
    opened = "open" if len(listed) <= 40 else ""
    return (
        f'<h2>Query by query</h2><p class="soft">{drawn}{filtered}</p><details {opened}><summary>'
        f"{counted(len(listed), 'query')}</summary>{table(head, listed)}</details>"
    )


def _stepped(opened: Sequence[str]) -> list[str]:
    if not opened:
        return []
    return [
        "<h2>The most changed, side by side</h2>",
        "<nav><button>Previous</button><button>Next</button><span></span>"
        '<span class="soft">or the left and right arrow keys</span></nav>',
        *opened,
    ]
