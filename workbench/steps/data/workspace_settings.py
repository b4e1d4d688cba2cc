"""Settings of the workspace: what its numbers and texts follow wherever nothing else is asked for."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from workbench.errors import BadSetting
from workbench.store import Store, WorkspaceSettings, read_settings, write_settings


def settings(store: Store) -> WorkspaceSettings:
    """Return the settings of a workspace.

    Parameters
    ----------
    store : Store
        The workspace.

    Returns
    -------
    WorkspaceSettings
        Its settings.

    Raises
    ------
    StoreBusy
        Another program holds the workspace for too long.

    Examples
    --------
    >>> wb.settings(store).relevance
    1
    """
    with store.read() as connection:
        return read_settings(connection)


def configure(store: Store, **changes: Any) -> WorkspaceSettings:
    """Change settings of a workspace, and keep the others.

    Parameters
    ----------
    store : Store
        The workspace.
    **changes : Any
        Settings by name, as `WorkspaceSettings` has them.

    Returns
    -------
    WorkspaceSettings
        All its settings afterwards.

    Raises
    ------
    BadSetting
        If there is no such setting, or its value cannot be.

    Examples
    --------
    >>> wb.configure(store, without_relevant="left out").without_relevant
    'left out'
    >>> wb.configure(store, without_relevant="zero").relevance
    1
    """
    names = [field.name for field in fields(WorkspaceSettings)]
    if unknown := [name for name in changes if name not in names]:
        raise BadSetting(f"A workspace has no setting {unknown[0]!r}.", f"It has: {', '.join(names)}.")
    with store.write() as connection:
        changed = replace(read_settings(connection), **changes)
        write_settings(connection, changed)
    return changed
