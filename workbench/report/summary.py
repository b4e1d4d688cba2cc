"""The report's upper half: warnings, tally, measures, every change as a bar, many runs against one."""

from __future__ import annotations

from workbench.evaluation.comparison import RULE, Comparison
from workbench.evaluation.measures import cutoff
from workbench.html.marking import html
from workbench.plots.look import HARMFUL, USEFUL, USELESS
from workbench.report import pictures
from workbench.steps.compare.compare_runs import RunsComparison
from workbench.steps.compare.diff import Diff
from workbench.steps.compare.rank_similarity import RankSimilarityResult

BARS = 600  # more than a screen has pixels to tell apart


def warnings(found: Diff | RankSimilarityResult) -> list[str]:
    """Return what a reader should know before believing the numbers."""
    said = [f"{name} was evaluated when the collection held other passages; evaluate it again." for name in found.stale]
    if isinstance(found, Diff) and found.unanswered:
        said.append(f"{found.unanswered:,} judged queries have no ranking in one of the runs; they count as 0.")
    return [f'<p role="note">⚠ {html(line)}</p>' for line in said]


def of_diff(found: Diff) -> list[str]:
    """Return tally, bars and measures of a diff."""
    groups = ((found.wins, "better", USEFUL), (found.ties, "the same", USELESS), (found.losses, "worse", HARMFUL))
    bar = "".join(f'<span style="--role:{role.colour};flex:{number}"></span>' for number, _, role in groups if number)
    words = ", ".join(f"{number:,} {word}" for number, word, _ in groups)
    return [
        f'<div class="tally">{bar}</div><p>{words}</p>',
        f"<h2>Every query: change in {html(found.measure)}</h2>{_bars(found)}",
        f"<h2>Every query: before against after</h2>{pictures.scatter(found)}",
        f"<h2>Every measure</h2>{_measures(found)}",
    ]


def of_table(found: RunsComparison) -> list[str]:
    """Return every student against the baseline."""
    rows = "".join(
        f'<tr><td class="text">{html(each.student)}</td><td>{html(each.comparison.measure)}</td>'
        f"{_numbers(each.comparison)}</tr>"
        for each in found.against
    )
    return [
        f"<h2>Against {html(found.baseline)}</h2>",
        f'<div class="wide"><table><thead><tr><th class="text">student</th><th>measure</th>{_HEAD}</tr></thead>'
        f'<tbody>{rows}</tbody></table></div><p class="soft">{html(RULE)} p (Holm): adjusted for the '
        f"{len(found.against):,} comparisons in this table.</p>",
        pictures.heatmap(found),
    ]


_HEAD = (
    "<th>before</th><th>after</th><th>difference</th><th>95 % interval</th>"
    "<th>p, randomisation</th><th>p, t-test</th><th>p (Holm)</th><th>queries</th><th>finding</th>"
)


def _numbers(found: Comparison) -> str:
    difference = found.difference
    cells = (
        f"{found.before.mean:.3f}",
        f"{found.after.mean:.3f}",
        f"{difference.mean:+.3f}",
        f"{difference.low:+.3f} to {difference.high:+.3f}",
        *(f"{p:.4f}" for p in (found.p_value, found.t_p_value, found.adjusted_p)),
        f"{difference.n:,}",
        f"{found.verdict}{found.few}",
    )
    return "".join(f"<td>{cell}</td>" for cell in cells)


def _measures(found: Diff) -> str:
    rows = []
    for each in found.comparisons:
        shares = found.judged.get(each.measure)
        said = f"{shares[0]:.0%} → {shares[1]:.0%} @{cutoff(each.measure)}" if shares else "–"
        rows.append(f'<tr><td class="text">{html(each.measure)}</td>{_numbers(each)}<td>{said}</td></tr>')
    return (
        f'<div class="wide"><table><thead><tr><th class="text">measure</th>{_HEAD}<th>judged</th></tr></thead>'
        f'<tbody>{"".join(rows)}</tbody></table></div><p class="soft">{html(RULE)} p (Holm): '
        "adjusted for the measures in this table. judged: share of the passages in the top that people have judged, "
        "before and after.</p>"
    )


def _bars(found: Diff) -> str:
    """Draw the changes as bars, largest gain to largest loss, thinned evenly where they are too many."""
    changed = [delta for delta in reversed(found.deltas) if delta.change]
    if not changed:
        return '<p class="soft">No query changed.</p>'
    stride = -(-len(changed) // BARS)
    shown = changed[::stride]
    most = max(abs(delta.change) for delta in shown)
    bars = []
    for place, delta in enumerate(shown):
        height = 50 * abs(delta.change) / most
        top, role = (50 - height, USEFUL) if delta.change > 0 else (50, HARMFUL)
        told = f"{delta.text[:80]}: {delta.before:.3f} to {delta.after:.3f}"
        bars.append(
            f'<rect x="{place}" y="{top:.2f}" width=".9" height="{height:.2f}" fill="{role.colour}">'
            f"<title>{html(told)}</title></rect>"
        )
    thinned = f" Every {stride}th is drawn." if stride > 1 else ""
    return (
        f'<svg class="bars" viewBox="0 0 {len(shown)} 100" preserveAspectRatio="none" role="img" '
        'aria-label="Change per query, largest gain to largest loss">'
        f'<line x1="0" x2="{len(shown)}" y1="50" y2="50" stroke="currentColor" stroke-width=".2"/>{"".join(bars)}</svg>'
        f'<p class="soft">{len(changed):,} queries that changed, largest gain '
        f"({changed[0].change:+.3f}) to largest loss ({changed[-1].change:+.3f}).{thinned}</p>"
    )
