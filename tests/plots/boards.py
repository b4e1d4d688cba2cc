"""A leaderboard made by hand."""

from __future__ import annotations

from workbench.evaluation.comparison import compare
from workbench.steps.compare.leaderboard import Leaderboard
from workbench.steps.compare.recipes import LeaderboardRow, Recipe, Spread
from workbench.steps.compare.run_measures import JudgedCounts


def stood(bm25: float, *losses: str) -> Leaderboard:
    """Return leaderboard of a recipe a loss; the first gains a quarter on each of eight queries, the others nothing."""
    bases = LeaderboardRow("bm25", measures={"RR": compare("RR", [bm25] * 8, [bm25] * 8).after})
    recipes = tuple(
        Recipe(
            f"loss={loss}", "base", "toy", {"loss": loss, "rate": place}, (loss,), (1,), "RR", 0.4,
            Spread(0.5, None, 1), 9.0 + place, 40, 1280, {"RR": Spread(0.5, None, 1)},
            compare("RR", [0.25, 0.5] * 4, [0.5, 0.75] * 4 if not place else [0.25, 0.5] * 4), 1, 1,
        )
        for place, loss in enumerate(losses)
    )  # fmt: skip
    rows = bases, *(LeaderboardRow(loss) for loss in losses)
    return Leaderboard("test", ("RR",), ("loss", "rate"), rows, recipes, JudgedCounts(8))
