"""The workspace: facts in DuckDB, and the questions asked of them."""

from workbench.store.store import Added, Store

__all__ = ["Added", "Store"]
