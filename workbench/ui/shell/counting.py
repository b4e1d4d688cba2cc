"""The choice, in the sidebar of every page, of what counts as relevant and which queries count in means."""

from __future__ import annotations

from typing import get_args

from workbench.steps.data.workspace_settings import with_settings
from workbench.store import Store, WithoutRelevant
from workbench.ui.shell import cache, pickers

WAYS: tuple[WithoutRelevant, ...] = get_args(WithoutRelevant)


def counted(store: Store) -> Store:
    """Return the workspace as the page measures it: by its own settings, or as a person or the link chooses here.

    Offered where it makes a difference: with qrels of several grades, and where a judged query has nothing relevant.
    """
    own = cache.settings(store).relevance
    levels = sorted({own, *(grade for grade in cache.grades(store) if grade > 0)})
    if len(levels) > 1:
        meaning = "Passages of this grade or a higher one are relevant. nDCG takes every grade for what it is."
        relevance = int(
            pickers.select("Relevant from grade", [str(one) for one in levels], "relevance", str(own), meaning)
        )
        store = with_settings(store, relevance=relevance if relevance != own else None)
    if any(split.without_relevant for split in cache.counts(store).splits):
        usual = cache.settings(store).without_relevant
        meaning = "Count as zero in every mean, as ir_measures and trec_eval count them, or are left out of it."
        chosen = pickers.select("Judged queries without a relevant passage", WAYS, "without_relevant", usual, meaning)
        left_out: WithoutRelevant = "left out" if chosen == "left out" else "zero"
        store = with_settings(store, without_relevant=left_out if left_out != usual else None)
    return store
