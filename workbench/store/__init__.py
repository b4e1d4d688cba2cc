"""The workspace: facts in DuckDB, and the questions asked of them."""

from workbench.store import views
from workbench.store.imported import Misfit, add_ranking
from workbench.store.store import Added, Store
from workbench.store.workspace_settings import (
    TITLE_JOINS,
    WorkspaceSettings,
    read_settings,
    unusual_settings,
    write_settings,
)

__all__ = [
    "TITLE_JOINS",
    "Added",
    "Misfit",
    "Store",
    "WorkspaceSettings",
    "add_ranking",
    "read_settings",
    "unusual_settings",
    "views",
    "write_settings",
]
