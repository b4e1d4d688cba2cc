"""The workspace: facts in DuckDB, and the questions asked of them."""

from workbench.store import views
from workbench.store.collection import Added
from workbench.store.imported import Misfit, add_ranking
from workbench.store.store import Store
from workbench.store.workspace_settings import (
    TITLE_JOINS,
    MeasureSettings,
    SearchSettings,
    WithoutRelevant,
    WorkspaceSettings,
    read_settings,
    settings_of,
    unusual_settings,
    write_settings,
)

__all__ = [
    "TITLE_JOINS",
    "Added",
    "MeasureSettings",
    "Misfit",
    "SearchSettings",
    "Store",
    "WithoutRelevant",
    "WorkspaceSettings",
    "add_ranking",
    "read_settings",
    "settings_of",
    "unusual_settings",
    "views",
    "write_settings",
]
