"""Results as plotly figures, the same ones on pages and in notebooks."""

from workbench.plots.look import ROLES, Role
from workbench.plots.pairs import density, histogram, scatter
from workbench.plots.queries import before_after, contrasts, heatmap, measures, waterfall
from workbench.plots.rankings import bump, opened
from workbench.plots.students import parallel, recipes
from workbench.plots.training import history

__all__ = [
    "ROLES",
    "Role",
    "before_after",
    "bump",
    "contrasts",
    "density",
    "heatmap",
    "histogram",
    "history",
    "measures",
    "opened",
    "parallel",
    "recipes",
    "scatter",
    "waterfall",
]
