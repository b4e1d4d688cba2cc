"""The report's pictures as SVG: what the Diff page draws with plotly, whose library alone would be five megabytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from workbench.html.marking import html
from workbench.plots.look import AFTER
from workbench.plots.queries import MOST_COLUMNS, SIDES, dots
from workbench.plots.rankings import heights, looks, rank_label
from workbench.records import Unit
from workbench.steps.compare.compare_runs import QueryValues, RunsComparison
from workbench.steps.compare.diff import Diff
from workbench.store.views import Moved

PLOT, LEFT, TOP = 380, 62, 10  # the scatter's square and what stands left of and above it, in pixels
STEP, WIDE, NAMED = 24, 900, 300  # the lines: a rank, the picture, the room for a title at each side, in pixels
NAME = 38  # letters that fit into that room
_STAR = "0,-1 .24,-.33 .95,-.31 .38,.12 .59,.81 0,.4 -.59,.81 -.38,.12 -.95,-.31 -.24,-.33"
_SIGNS = {"star": _STAR, "triangle-up": "0,-1 .9,.7 -.9,.7", "triangle-down": "0,1 .9,-.7 -.9,-.7"}


def scatter(diff: Diff) -> str:
    """Return each query as a dot, its value before to the right, after upward; above the diagonal it got better."""
    most = max((max(delta.before, delta.after) for delta in diff.deltas), default=1.0) or 1.0
    edge = LEFT + PLOT
    axes = "".join(_tick(part, most) for part in (0, 0.25, 0.5, 0.75, 1))
    drawn, legend = [], []
    for direction, word, colour, sign in SIDES:
        grouped = dots(diff.deltas, direction)
        for (before, after), deltas in grouped.items():
            size = min(15.0, 3 + len(deltas) ** 0.5)
            more = f" and {len(deltas) - 1:,} more" if deltas[1:] else ""
            label = f"{deltas[0].text[:80]}{more}: {before:.3f} before, {after:.3f} after"
            place = LEFT + PLOT * before / most, TOP + PLOT * (1 - after / most)
            drawn.append(_sign(sign, place, size, colour, label))
        legend.append(_named(sign, colour, f"{sum(map(len, grouped.values())):,} {word}"))
    return (
        f'<svg class="plot" viewBox="0 0 {edge + 14} {TOP + PLOT + 44}" role="img" aria-label="Each query before and '
        f'after; better lies above the diagonal"><path class="faint" d="M{LEFT} {TOP + PLOT}L{edge} {TOP}"/>{axes}'
        f'{"".join(drawn)}<text x="{LEFT + PLOT / 2}" y="{TOP + PLOT + 38}" text-anchor="middle">{html(diff.measure)} '
        f'before</text><text transform="translate(12 {TOP + PLOT / 2})rotate(-90)" text-anchor="middle">'
        f'{html(diff.measure)} after</text></svg><p class="soft">{" ".join(legend)} The area of a sign says how many '
        "queries have the same two values.</p>"
    )


def heatmap(runs: RunsComparison) -> str:
    """Return each query as a column and each student as a row, darker where the first measure is higher."""
    shown = runs.rows[:MOST_COLUMNS]
    most = max((max(row.values) for row in shown), default=1.0) or 1.0
    names = "".join(f'<span title="{html(name)}">{html(name)}</span>' for name in runs.students)
    columns = "".join(_column(row, place, runs.students, most) for place, row in enumerate(shown))
    return (
        f'<h2>Every query and student: {html(runs.measures[0])}</h2><div class="heat" '
        f'style="--rows:{len(runs.students)}"><div>{names}</div><svg viewBox="0 0 {len(shown)} {len(runs.students)}" '
        'preserveAspectRatio="none" role="img" aria-label="A column a query, a row a student, darker where the measure '
        f'is higher">{columns}</svg></div><p class="soft">A column a query, the most unlike at the left: '
        f"{len(shown):,} of {len(runs.rows):,}. Faint is 0, full is {most:.3f}.</p>"
    )


def lines(moved: Sequence[Moved], depth: int, unit: Unit = "unknown") -> str:
    """Return a query's passages before and after, a line joining each with itself; those below `depth` in a strip."""
    sides = [heights([one.before for one in moved], depth), heights([one.after for one in moved], depth)]
    bottom = max([depth + 1.0, *sides[0], *sides[1]]) + 0.6
    strip = depth + 0.55
    titles = Counter(one.title for one in moved)
    # A title that passages share tells none of them from the others.
    names = [one.title if one.title and titles[one.title] == 1 else one.text or one.passage_id for one in moved]
    order = sorted(range(len(moved)), key=lambda place: moved[place].relevant)
    drawn = "".join(
        _line(moved[place], names[place], (sides[0][place], sides[1][place]), depth, unit) for place in order
    )
    legend = " ".join(_named(sign, colour, word) for word, colour, sign in sorted({looks(one, unit) for one in moved}))
    return (
        f'<svg class="lines" viewBox="0 0 {WIDE} {STEP * bottom:.0f}" role="img" aria-label="Ranks of the passages '
        f'before and after, joined by lines"><rect class="strip" y="{STEP * strip:.1f}" width="{WIDE}" '
        f'height="{STEP * (bottom - strip):.1f}"/>{drawn}</svg><p class="soft">Left before, right after. {legend} '
        f"Below the line: deeper than rank {depth}, with the rank.</p>"
    )


def _line(passage: Moved, name: str, at: tuple[float, float], depth: int, unit: Unit) -> str:
    word, colour, sign = looks(passage, unit)
    relevant = passage.relevant
    ends = [(NAMED, STEP * at[0]), (WIDE - NAMED, STEP * at[1])]
    middle = WIDE / 2
    (left, first), (right, last) = ends
    ranks = " to ".join("no rank" if rank is None else f"rank {rank:,}" for rank in (passage.before, passage.after))
    words = " ".join(name[:200].split())
    label = html(f"{passage.title or words[:80]} ({passage.passage_id}): {ranks}, {word}")
    signs = "".join(_sign(sign, end, 6 if relevant else 4, colour) for end in ends)
    return (
        f'<g data-passage="{html(passage.passage_id)}"><title>{label}</title><path class="join" stroke="{colour}" '
        f'stroke-width="{3 if relevant else 1.6}" d="M{left} {first:.1f}C{middle} {first:.1f} {middle} {last:.1f} '
        f'{right} {last:.1f}"/>{signs}{_label(words, passage.before, (left - 12, first), "end", depth)}'
        f"{_label(words, passage.after, (right + 12, last), 'start', depth)}</g>"
    )


def _label(words: str, rank: int | None, at: tuple[float, float], anchor: str, depth: int) -> str:
    """Return a passage's first words beside an end of its line, with its rank there."""
    shown = words if len(words) <= NAME else f"{words[: NAME - 1].rstrip()}…"
    place = rank_label(rank, depth) or f"{rank}"
    text = f"{shown}  {place}" if anchor == "end" else f"{place}  {shown}"
    return f'<text x="{at[0]}" y="{at[1] + 4:.1f}" text-anchor="{anchor}">{html(text)}</text>'


def _column(row: QueryValues, place: int, students: Sequence[str], most: float) -> str:
    values = "; ".join(f"{name}: {value:.3f}" for name, value in zip(students, row.values, strict=True))
    cells = "".join(
        f'<rect x="{place}" y="{number}" width="1" height=".94" opacity="{max(0.08, value / most):.2f}"/>'
        for number, value in enumerate(row.values)
    )
    return f'<g fill="{AFTER.colour}"><title>{html(f"{row.text[:80]} ({row.query_id}) {values}")}</title>{cells}</g>'


def _tick(part: float, most: float) -> str:
    across, up = LEFT + PLOT * part, TOP + PLOT * (1 - part)
    text = f"{most * part:.2f}"
    return (
        f'<path class="grid" d="M{across} {TOP}V{TOP + PLOT}M{LEFT} {up}H{LEFT + PLOT}"/><text x="{across}" '
        f'y="{TOP + PLOT + 18}" text-anchor="middle">{text}</text><text x="{LEFT - 6}" y="{up + 4}" '
        f'text-anchor="end">{text}</text>'
    )


def _sign(sign: str, at: tuple[float, float], size: float, colour: str, label: str = "") -> str:
    """Return a role's sign, `size` pixels from its middle to its edge."""
    title = f"<title>{html(label)}</title>" if label else ""
    shape = f'<polygon points="{_SIGNS[sign]}"' if sign in _SIGNS else '<circle r="1"'
    fill = f'fill="none" stroke="{colour}" stroke-width=".4"' if sign.endswith("open") else f'fill="{colour}"'
    return (
        f'<g opacity=".8" transform="translate({at[0]:.1f} {at[1]:.1f})scale({size:.1f})" {fill}>{title}{shape}/></g>'
    )


def _named(sign: str, colour: str, word: str) -> str:
    return f'<svg class="sign" viewBox="-7 -7 14 14">{_sign(sign, (0, 0), 5, colour)}</svg> {html(word)}.'
