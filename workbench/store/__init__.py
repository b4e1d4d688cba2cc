"""The workspace: facts in DuckDB, and the questions asked of them."""

from workbench.store import views
from workbench.store.collection import Added
from workbench.store.database.changes import ALL_BUT_ANNOTATIONS, MEASURED, TABLES, Changes, Table
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
    "ALL_BUT_ANNOTATIONS",
    "MEASURED",
    "TABLES",
    "TITLE_JOINS",
    "Added",
    "Changes",
    "MeasureSettings",
    "Misfit",
    "SearchSettings",
    "Store",
    "Table",
    "WithoutRelevant",
    "WorkspaceSettings",
    "add_ranking",
    "read_settings",
    "settings_of",
    "unusual_settings",
    "views",
    "write_settings",
]
