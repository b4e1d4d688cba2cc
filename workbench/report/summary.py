"""The report's upper half: warnings, tally, measures, every change as a bar, many runs against one."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.evaluation.comparison import RULE, SECONDARY, SELECTION, Comparison, printed_p
from workbench.evaluation.measures import cutoff
from workbench.html.cards import table, tally
from workbench.html.marking import html
from workbench.plots.look import HARMFUL, USEFUL
from workbench.records import stale_in_words
from workbench.report import pictures
from workbench.results import counted
from workbench.steps.compare.compare_runs import Against, RunsComparison
from workbench.steps.compare.diff import Diff
from workbench.steps.compare.rank_similarity import RankSimilarityResult

BARS = 600  # more than a screen has pixels to tell apart


def warnings(result: Diff | RankSimilarityResult) -> list[str]:
    """Return what a reader should know before believing the numbers."""
    lines = [stale_in_words(name) for name in result.stale]
    if isinstance(result, Diff) and result.unanswered:
        lines.append(f"No ranking in one of the runs for {counted(result.unanswered, 'judged query')}, counted as 0.")
    return [f'<p role="note">⚠ {html(line)}</p>' for line in lines]


def of_diff(diff: Diff) -> list[str]:
    """Return tally, bars and measures of a diff."""
    return [
        tally(diff.wins, diff.ties, diff.losses),
        f"<h2>Every query: change in {html(diff.measure)}</h2>{_bars(diff)}",
        f"<h2>Every query: before against after</h2>{pictures.scatter(diff)}",
        f"<h2>Every measure</h2>{_measures(diff)}",
        *_unseen(diff),
    ]


def _unseen(diff: Diff) -> list[str]:
    """Return the measures on the queries that train has not seen, where it has seen some and not all."""
    if not diff.unseen or not diff.unseen_comparisons:
        return []
    rows = [[html(one.measure), *_cells(one)] for one in diff.unseen_comparisons]
    return [
        f"<h2>Every measure, on the {counted(diff.unseen.unseen, 'query')} not seen in train</h2>",
        f'{table(("measure", *_HEAD), rows)}<p class="soft">{html(f"{RULE} {SECONDARY}")}</p>',
    ]


def of_table(runs: RunsComparison) -> list[str]:
    """Return every student against the baseline."""
    parts = [f"<h2>Against {html(runs.baseline)}</h2>{_against(runs.against)}"]
    if selection := runs.selection_in_words.strip():
        parts.append(f"<p>{html(selection)}</p>")
    if runs.unseen and runs.against_unseen:
        title = f"Against {runs.baseline}, on the {counted(runs.unseen.unseen, 'query')} not seen in train"
        parts.append(f"<h2>{html(title)}</h2>{_against(runs.against_unseen)}")
    return [*parts, pictures.heatmap(runs)]


def _against(against: Sequence[Against]) -> str:
    rows = [
        [html(row.student), html(row.comparison.measure), *_cells(row.comparison, row.selection_p)] for row in against
    ]
    note = html(f"{RULE} {SELECTION}")
    return f'{table(("student", "measure", *_HEAD), rows)}<p class="soft">{note}</p>'


_HEAD = (
    "before", "after", "difference", "95 % interval", "finding", "p (Holm)", "p, randomisation", "p, t-test", "queries",
)  # fmt: skip


def _cells(comparison: Comparison, selection_p: float | None = None) -> list[str]:
    difference = comparison.difference
    holm = comparison.adjusted_p if selection_p is None else selection_p
    return [
        f"{comparison.before.mean:.3f}",
        f"{comparison.after.mean:.3f}",
        f"{difference.mean:+.3f}",
        f"{difference.low:+.3f} to {difference.high:+.3f}",
        f"{comparison.verdict}{comparison.few}",
        *(printed_p(p) for p in (holm, comparison.p_value, comparison.t_p_value)),
        f"{difference.n:,}",
    ]


def _measures(diff: Diff) -> str:
    rows = []
    for one in diff.comparisons:
        shares = diff.judged.get(one.measure)
        judged = f"{shares[0]:.0%} → {shares[1]:.0%} @{cutoff(one.measure)}" if shares else "–"
        rows.append([html(one.measure), *_cells(one), judged])
    return (
        f'{table(("measure", *_HEAD, "judged"), rows)}<p class="soft">{html(f"{RULE} {SECONDARY}")} '
        "judged: share of the passages in the top that people have judged, before and after.</p>"
    )


def _bars(diff: Diff) -> str:
    """Draw the changes as bars, largest gain to largest loss, thinned evenly where they are too many."""
    changed = [delta for delta in reversed(diff.deltas) if delta.change]
    if not changed:
        return '<p class="soft">No query changed.</p>'
    stride = -(-len(changed) // BARS)
    shown = changed[::stride]
    most = max(abs(delta.change) for delta in shown)
    bars = []
    for place, delta in enumerate(shown):
        height = 50 * abs(delta.change) / most
        top, role = (50 - height, USEFUL) if delta.change > 0 else (50, HARMFUL)
        label = f"{delta.text[:80]}: {delta.before:.3f} to {delta.after:.3f}"
        bars.append(
            f'<rect x="{place}" y="{top:.2f}" width=".9" height="{height:.2f}" fill="{role.colour}">'
            f"<title>{html(label)}</title></rect>"
        )
    thinned = f" Every {stride}th is drawn." if stride > 1 else ""
    return (
        f'<svg class="bars" viewBox="0 0 {len(shown)} 100" preserveAspectRatio="none" role="img" '
        'aria-label="Change per query, largest gain to largest loss">'
        f'<line x1="0" x2="{len(shown)}" y1="50" y2="50" stroke="currentColor" stroke-width=".2"/>{"".join(bars)}</svg>'
        f'<p class="soft">{counted(len(changed), "query")} that changed, largest gain '
        f"({changed[0].change:+.3f}) to largest loss ({changed[-1].change:+.3f}).{thinned}</p>"
    )
