"""The parts of the diff page: how sure a difference is, every query as pictures, the list and what narrows it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.column_config import NumberColumn, TextColumn

from workbench import plots
from workbench.errors import NothingToDo
from workbench.evaluation import NAMES
from workbench.evaluation.comparison import RULE, Comparison
from workbench.plots.look import AFTER, BEFORE
from workbench.steps.compare.compare_runs import RunsComparison, adjusted_together
from workbench.steps.compare.coverage import cutoff
from workbench.steps.compare.diff import Diff
from workbench.steps.compare.filters import ComparedQuery, Filters, compared_queries, filtered, first_word
from workbench.steps.compare.rank_similarity import RankSimilarityResult
from workbench.store import Store
from workbench.ui.shell import cache, components, pickers, tables
from workbench.ui.shell.pickers import Comparison as Chosen

BY_MEASURE = "change"
ANY = "any"
LONG = 9  # words: the middle length of the sample's queries is near it


def judged(store: Store, chosen: Chosen) -> Diff | None:
    """Return the diff, or None (and a word why) if nothing in the split is judged.

    Where every student is shown too, its p-values are adjusted for all of them: one pair has one verdict on a page.
    """
    try:
        compared = cache.diff(store, chosen.before.student, chosen.after.student, chosen.measure, chosen.split)
    except NothingToDo as trouble:
        components.stale(f"{trouble.problem} The rankings are compared with one another instead.")
        return None
    # The switch stands further down; what a link or the last run says of it is known here already.
    everyone = st.session_state.get("everyone", st.query_params.get("everyone") == "true")
    return adjusted_together(compared, _every_run(store, compared)) if everyone else compared


def overview(store: Store, found: Diff) -> None:
    """Show who won on the whole, measure by measure and query by query."""
    components.tally(won=found.wins, tied=found.ties, lost=found.losses)
    _numbers(found.comparison)
    left, right = components.columns("two", [1, 1.25])
    with left:
        components.heading("Every measure")
        drawn = plots.measures(found.comparisons, found.before, found.after)
        components.picture(drawn, "measures", "Means with intervals, before and after")
        components.remark(f"At the right the difference; a star marks a finding. {RULE}")
    with right:
        components.heading("Every query")
        kind = pickers.segment("Picture", {"bars": "Changes", "dots": "Before against after"}, "picture", "bars")
        if kind == "bars":
            components.picture(plots.waterfall(found), "waterfall", "Change per query, largest gain to largest loss")
        else:
            components.picture(
                plots.before_after(found), "before-after", "Each query before and after; better lies above"
            )
    with st.expander("How sure, and how much is judged", icon=":material/balance:"):
        _how_sure(found)
    _everyone(store, found)


def _numbers(found: Comparison) -> None:
    interval = f"95 % interval {found.difference.low:+.3f} to {found.difference.high:+.3f}"
    components.numbers(
        components.mean(f"{found.measure} before", found.before, BEFORE),
        components.mean(f"{found.measure} after", found.after, AFTER),
        components.Number("Change", f"{found.difference.mean:+.3f}", interval),
        components.Number("Finding", found.verdict, f"{found.p_in_words}{found.few}"),
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
    components.table(rows, "how-sure", "Tests of every measure, and how much of the top is judged", **percent)
    components.remark(
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
        "finding": f"{found.verdict}{found.few}",
    }


def _everyone(store: Store, found: Diff) -> None:
    """Offer every student of the split at once, where there are more than the two."""
    number = len(cache.runs(store, found.split))
    if number < 3 or not st.toggle(f"All {number} students of this split", key="everyone", bind="query-params"):
        return
    table = _every_run(store, found)
    alt = "A column a query, a row a student, darker where the measure is higher"
    components.picture(plots.heatmap(table), "heatmap", alt)
    rows = [
        {"student": each.student, "mean": f"{each.comparison.after}", **_sure(each.comparison)}
        for each in table.against
    ]
    components.table(
        rows, "everyone-table", f"Every student against {table.baseline}", student=TextColumn(width="large")
    )
    components.remark(f"Each against {table.baseline}; Holm adjusts for the {len(rows)} comparisons.")


def _every_run(store: Store, found: Diff) -> RunsComparison:
    names = (found.before, found.after, *(run.student for run in cache.runs(store, found.split)))
    return cache.compare_runs(store, tuple(dict.fromkeys(names)), (found.measure,), found.split)


def listed(store: Store, chosen: Chosen, found: Diff | None) -> tuple[list[ComparedQuery], Filters, str]:
    """Let a person order the queries and narrow them down; return those left, the filters, and the order's name."""
    tags = [found.tag for found in cache.tags(store, chosen.split)]
    columns = components.columns("pickers-list", [1] * (4 if tags else 3))
    with columns[0]:
        by = _order(found)
    names = chosen.before.student, chosen.after.student
    rank_similarity = None if by == BY_MEASURE else cache.rank_similarity(store, *names, by, chosen.split)
    every = compared_queries(found, rank_similarity)
    with columns[1]:
        first = pickers.one("First word", [ANY, *_first_words(every)], "first", ANY)
    with columns[2]:
        lengths = {ANY: (0, 0), f"up to {LONG} words": (0, LONG), f"over {LONG} words": (LONG + 1, 0)}
        length = lengths[pickers.one("Length", list(lengths), "length", ANY)]
    tag = ANY
    if tags:
        with columns[3]:
            tag = pickers.one("Tag", [ANY, *(name for name in tags if name != ANY)], "tag", ANY)
    if rank_similarity:
        _contrasted(rank_similarity, picture=found is None)
    only, words = _narrower(found, every)
    filters = Filters(only, words, "" if first == ANY else first, *length, "" if tag == ANY else tag)
    return filtered(every, filters), filters, by


def _order(found: Diff | None) -> str:
    options = [BY_MEASURE, *NAMES] if found else list(NAMES)
    meaning = f"{BY_MEASURE}: of the measure. The others compare the two rankings themselves and need no judgements."
    return pickers.one("Most different by", options, "by", BY_MEASURE if found else "RBO", meaning)


def _contrasted(found: RankSimilarityResult, *, picture: bool) -> None:
    if picture:
        for name in found.stale:
            components.stale(f"{name} was evaluated when the collection held other passages; evaluate it again.")
        components.picture(plots.rank_similarities(found), "rank_similarities", "How many queries have which value")
    components.remark(f"{found.in_words} {found.by}: {found.meaning}.")


def _narrower(found: Diff | None, every: Sequence[ComparedQuery]) -> tuple[str, str]:
    only = "all"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if found:
            counted = {"all": len(every), "worse": found.losses, "better": found.wins, "the same": found.ties}
            options = {kind: f"{kind} ({number:,})" for kind, number in counted.items()}
            only = pickers.segment("Filter", options, "show", "all")
        words = tables.search("words")
    return {"all": "", "the same": "same"}.get(only, only), words


def _first_words(every: Sequence[ComparedQuery], most: int = 30) -> list[str]:
    counted: dict[str, int] = {}
    for row in every:
        word = first_word(row.text)
        counted[word] = counted.get(word, 0) + 1
    return sorted((word for word in counted if word), key=lambda word: (-counted[word], word))[:most]


def chosen_query(shown: Sequence[ComparedQuery], by: str, version: str) -> str | None:
    """Show the queries with what happened to each; return the one that is open."""
    if not shown:
        components.remark("No query answers to this filter.")
        return None
    ids = [row.query_id for row in shown]
    pickers.unknown(ids, "query", "query")
    rows: list[dict[str, object]] = []
    for row in shown:
        values = {"before": row.delta.before, "after": row.delta.after, "change": row.delta.change} if row.delta else {}
        rows.append({"what": row.told, "query": row.text, **({} if by == BY_MEASURE else {by: row.value}), **values})
    return pickers.row(
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
