"""Results as plotly figures, the same ones on pages and in notebooks."""

from workbench.plots.health import effective_passages, health
from workbench.plots.look import ROLES, Role
from workbench.plots.pairs import density, histogram, scatter
from workbench.plots.projection import projection
from workbench.plots.queries import before_after, heatmap, measures, rank_similarities, waterfall
from workbench.plots.rankings import bump, opened
from workbench.plots.softmaxes import softmaxes
from workbench.plots.students import parallel, recipes
from workbench.plots.teacher_agreement import closer, gap_recovered, reliability
from workbench.plots.training import history

__all__ = [
    "ROLES",
    "Role",
    "before_after",
    "bump",
    "closer",
    "density",
    "effective_passages",
    "gap_recovered",
    "health",
    "heatmap",
    "histogram",
    "history",
    "measures",
    "opened",
    "parallel",
    "projection",
    "rank_similarities",
    "recipes",
    "reliability",
    "scatter",
    "softmaxes",
    "waterfall",
]
