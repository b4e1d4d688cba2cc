"""The workspace: facts in DuckDB, and the questions asked of them."""

from workbench.store import views
from workbench.store.imported import Misfit, add_ranking
from workbench.store.store import Added, Store

__all__ = ["Added", "Misfit", "Store", "add_ranking", "views"]
