"""The parts of the diff page: how sure a difference is, every query as pictures, the list and what narrows it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.column_config import NumberColumn, TextColumn

from workbench import plots
from workbench.agreement import NAMES
from workbench.errors import NothingToDo
from workbench.plots.look import AFTER, BEFORE
from workbench.significance import Comparison
from workbench.steps.contrast import ContrastResult
from workbench.steps.coverage import cutoff
from workbench.steps.diff import Diff
from workbench.steps.differences import Difference, Filters, differences, first_word, narrowed
from workbench.store import Store
from workbench.ui import cached, choices, parts, tables
from workbench.ui.choices import Comparison as Chosen

BY_MEASURE = "change"
ANY = "any"
LONG = 9  # words: the middle length of the sample's queries is near it


def judged(store: Store, chosen: Chosen) -> Diff | None:
    """Return the diff, or None (and a word why) if nothing in the split is judged."""
    try:
        return cached.diff(store, chosen.before.student, chosen.after.student, chosen.measure, chosen.split)
    except NothingToDo as trouble:
        parts.stale(f"{trouble.problem} The rankings are compared with one another instead.")
        return None


def overview(store: Store, found: Diff) -> None:
    """Show who won on the whole, measure by measure and query by query."""
    parts.tally(won=found.wins, tied=found.ties, lost=found.losses)
    _numbers(found.comparison)
    left, right = parts.columns("two", [1, 1.25])
    with left:
        parts.heading("Every measure")
        drawn = plots.measures(found.comparisons, found.before, found.after)
        parts.picture(drawn, "measures", "Means with intervals, before and after")
        parts.remark("At the right the difference; a star says that its 95 % interval leaves out 0.")
    with right:
        parts.heading("Every query")
        kind = choices.segment("Picture", {"bars": "Changes", "dots": "Before against after"}, "picture", "bars")
        if kind == "bars":
            parts.picture(plots.waterfall(found), "waterfall", "Change per query, largest gain to largest loss")
        else:
            parts.picture(plots.before_after(found), "before-after", "Each query before and after; better lies above")
    with st.expander("How sure, and how much is judged", icon=":material/balance:"):
        _how_sure(found)
    _everyone(store, found)


def _numbers(found: Comparison) -> None:
    interval = f"95 % interval {found.difference.low:+.3f} to {found.difference.high:+.3f}"
    p_value = "p < 0.001" if found.p_value < 0.001 else f"p = {found.p_value:.3f}"
    parts.numbers(
        parts.mean(f"{found.measure} before", found.before, BEFORE),
        parts.mean(f"{found.measure} after", found.after, AFTER),
        parts.Number("Difference", f"{found.difference.mean:+.3f}", interval),
        parts.Number("Paired randomisation test", p_value, found.in_words),
    )


def _how_sure(found: Diff) -> None:
    rows = []
    for each in found.comparisons:
        shares = found.judged.get(each.measure)
        depth = cutoff(each.measure)
        rows.append(
            {"measure": each.measure, **_sure(each), "queries": each.difference.n}
            | ({"judged before": shares[0], "judged after": shares[1], "of the top": depth} if shares else {})
        )
    percent = {name: NumberColumn(format="percent") for name in ("judged before", "judged after")}
    parts.table(rows, "how-sure", "Tests of every measure, and how much of the top is judged", **percent)
    parts.remark(
        "p: paired randomisation test, and t-test. p (Holm): the former, adjusted for the measures of this table. "
        "Judged: share of the passages in the top that people have judged; where it is low, a measure knows little."
    )


def _sure(found: Comparison) -> dict[str, object]:
    by = found.difference
    return {
        "difference": f"{by.mean:+.3f}  [{by.low:+.3f}, {by.high:+.3f}]",
        "p": f"{found.p_value:.4f}",
        "t-test": f"{found.t_p_value:.4f}",
        "p (Holm)": f"{found.adjusted_p:.4f}",
    }


def _everyone(store: Store, found: Diff) -> None:
    """Offer every student of the split at once, where there are more than the two."""
    names = [run.student for run in cached.runs(store, found.split)]
    if len(names) < 3 or not st.toggle(f"All {len(names)} students of this split", key="everyone", bind="query-params"):
        return
    ordered = tuple(dict.fromkeys((found.before, found.after, *names)))
    table = cached.table(store, ordered, (found.measure,), found.split)
    alt = "A column a query, a row a student, darker where the measure is higher"
    parts.picture(plots.heatmap(table), "heatmap", alt)
    rows = [
        {"student": each.student, "mean": f"{each.comparison.after}", **_sure(each.comparison)}
        for each in table.against
    ]
    parts.table(rows, "everyone-table", f"Every student against {table.baseline}", student=TextColumn(width="large"))
    parts.remark(f"Each against {table.baseline}; Holm adjusts for the {len(rows)} comparisons.")


def listed(store: Store, chosen: Chosen, found: Diff | None) -> tuple[list[Difference], Filters, str]:
    """Let a person order the queries and narrow them down; return those left, the filters, and the order's name."""
    tags = [found.tag for found in cached.tags(store, chosen.split)]
    columns = parts.columns("pickers-list", [1] * (4 if tags else 3))
    with columns[0]:
        by = _order(found)
    names = chosen.before.student, chosen.after.student
    contrast = None if by == BY_MEASURE else cached.contrast(store, *names, by, chosen.split)
    every = differences(found, contrast)
    with columns[1]:
        first = choices.one("First word", [ANY, *_first_words(every)], "first", ANY)
    with columns[2]:
        lengths = {ANY: (0, 0), f"up to {LONG} words": (0, LONG), f"over {LONG} words": (LONG + 1, 0)}
        length = lengths[choices.one("Length", list(lengths), "length", ANY)]
    tag = ANY
    if tags:
        with columns[3]:
            tag = choices.one("Tag", [ANY, *(name for name in tags if name != ANY)], "tag", ANY)
    if contrast:
        _contrasted(contrast, picture=found is None)
    only, words = _narrower(found, every)
    filters = Filters(only, words, "" if first == ANY else first, *length, "" if tag == ANY else tag)
    return narrowed(every, filters), filters, by


def _order(found: Diff | None) -> str:
    options = [BY_MEASURE, *NAMES] if found else list(NAMES)
    meaning = f"{BY_MEASURE}: of the measure. The others compare the two rankings themselves and need no judgements."
    return choices.one("Most different by", options, "by", BY_MEASURE if found else "RBO", meaning)


def _contrasted(found: ContrastResult, *, picture: bool) -> None:
    if picture:
        for name in found.stale:
            parts.stale(f"{name} was evaluated when the collection held other passages; evaluate it again.")
        parts.picture(plots.contrasts(found), "contrasts", "How many queries have which value")
    parts.remark(f"{found.in_words} {found.by}: {found.meaning}.")


def _narrower(found: Diff | None, every: Sequence[Difference]) -> tuple[str, str]:
    only = "all"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if found:
            counted = {"all": len(every), "worse": found.losses, "better": found.wins, "the same": found.ties}
            options = {kind: f"{kind} ({number:,})" for kind, number in counted.items()}
            only = choices.segment("Filter", options, "show", "all")
        words = tables.search("words")
    return {"all": "", "the same": "same"}.get(only, only), words


def _first_words(every: Sequence[Difference], most: int = 30) -> list[str]:
    counted: dict[str, int] = {}
    for row in every:
        word = first_word(row.text)
        counted[word] = counted.get(word, 0) + 1
    return sorted((word for word in counted if word), key=lambda word: (-counted[word], word))[:most]


def chosen_query(shown: Sequence[Difference], by: str, version: str) -> str | None:
    """Show the queries with what happened to each; return the one that is open."""
    if not shown:
        parts.remark("No query answers to this filter.")
        return None
    ids = [row.query_id for row in shown]
    choices.unknown(ids, "query", "query")
    rows: list[dict[str, object]] = []
    for row in shown:
        values = {"before": row.delta.before, "after": row.delta.after, "change": row.delta.change} if row.delta else {}
        rows.append({"what": row.told, "query": row.text, **({} if by == BY_MEASURE else {by: row.value}), **values})
    return choices.row(
        ids,
        rows,
        "query",
        f"{version}-{by}-{len(ids)}-{ids[0]}-{ids[-1]}",
        what=TextColumn(" ", width="small"),
        query=TextColumn(width="large"),
        before=NumberColumn(format="%.3f"),
        after=NumberColumn(format="%.3f"),
        change=NumberColumn(format="%+.3f"),
        **{name: NumberColumn(format="%.3f") for name in NAMES},
    )
