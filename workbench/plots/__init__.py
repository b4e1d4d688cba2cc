"""Results as plotly figures, the same ones on pages and in notebooks."""

from workbench.plots.look import ROLES, Role
from workbench.plots.pairs import density, histogram, scatter
from workbench.plots.queries import before_after, contrasts, heatmap, measures, waterfall
from workbench.plots.rankings import bump, opened
from workbench.plots.students import parallel, recipes
from workbench.plots.teaching import agreement, closer, kept, reliability
from workbench.plots.training import history

__all__ = [
    "ROLES",
    "Role",
    "agreement",
    "before_after",
    "bump",
    "closer",
    "contrasts",
    "density",
    "heatmap",
    "histogram",
    "history",
    "kept",
    "measures",
    "opened",
    "parallel",
    "recipes",
    "reliability",
    "scatter",
    "waterfall",
]
