"""The rankings of a query side by side: their times, their passages, and where a passage moved."""

from __future__ import annotations

from collections.abc import Collection

from workbench.html.cards import Badge, Card, card, column, judgement, question
from workbench.plots.look import AFTER, BEFORE, BM25, RELEVANT, TEACHER, Role
from workbench.steps.compare.searching.results import SearchHit, SearchRanking, SearchResult
from workbench.store import Store
from workbench.students import BM25 as LEXICAL
from workbench.ui.shell import cache, components

CHARACTERS = 1_200  # of a passage that a card holds


def show(store: Store, result: SearchResult) -> None:
    """Show each ranking as a column, and what it took on top."""
    trained = {student.name for student in cache.trained(store)}
    if result.query.query_id:
        components.html_block(question(result.query))
    components.numbers(*(_time(ranking, trained) for ranking in result.rankings if ranking.hits))
    components.remark(
        "Times of this query alone on this machine, warm: models loaded, indexes open, asked once before. "
        "A passage's move is from the ranking before it; of a re-ranking, in what is re-ranked."
    )
    components.legend()
    for place, ranking in zip(components.columns("rankings", [1] * len(result.rankings)), result.rankings, strict=True):
        with place:
            _column(result, ranking, trained)


def _time(ranking: SearchRanking, trained: Collection[str]) -> components.Number:
    word, role = _kind(ranking, trained)
    return components.Number(word, f"{ranking.times.total:,.1f} ms", ranking.times.in_words, role)


def _kind(ranking: SearchRanking, trained: Collection[str]) -> tuple[str, Role]:
    """Return what kind of ranking it is, in words, and its role."""
    if ranking.times.rerank is not None or ranking.ranker.startswith("rerank:"):
        return "Re-ranked by the teacher", TEACHER
    if ranking.ranker == LEXICAL:
        return "BM25", BM25
    return ("Trained student", AFTER) if ranking.ranker in trained else ("Untrained student", BEFORE)


def _column(result: SearchResult, ranking: SearchRanking, trained: Collection[str]) -> None:
    word, role = _kind(ranking, trained)
    cards = [
        card(_card(hit, ranking, judged=bool(result.query.query_id)), result.query, most=CHARACTERS)
        for hit in ranking.hits
    ]
    components.html_block(column(word, ranking.ranker, role, cards, ranking.problem or "It finds nothing."))
    if ranking.problem and cards:
        components.remark(ranking.problem)


def _card(hit: SearchHit, ranking: SearchRanking, *, judged: bool) -> Card:
    is_utility = ranking.times.rerank is not None
    score = "not scored" if hit.score is None else f"{hit.score:+.3f}" if is_utility else f"{hit.score:,.3f}"
    badges = [Badge(f"{'utility' if is_utility else ranking.unit} {score}", None, ranking.unit)]
    if judged:
        badges.insert(0, judgement(hit.relevance, hit.relevant))
    role = RELEVANT if hit.relevant else None
    return Card(hit.passage_id, hit.title, hit.text, f"{hit.rank:,}", hit.movement, tuple(badges), role)
