"""Settings of the workspace: what its numbers and texts follow wherever nothing else is asked for."""

from __future__ import annotations

from copy import copy
from dataclasses import fields, replace
from typing import Any, Unpack

from workbench.errors import BadSetting
from workbench.store import SearchSettings, Store, WorkspaceSettings, read_settings, settings_of, write_settings


def settings(store: Store) -> WorkspaceSettings:
    """Return the settings that questions asked of a workspace follow.

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
    return settings_of(store)


def configure(store: Store, **changes: Any) -> WorkspaceSettings:
    """Change settings of a workspace, and keep the others.

    `relevance` and `without_relevant` only change what is measured from now on, `index` how passages are searched from
    now on. `title_join` changes what is read of
    passages that have title and text: vectors are encoded anew, runs become stale until `evaluate` is called again,
    and a likelihood teacher gets another name, so that utilities under either join never mix. A student's recipe says
    which join it was trained with.

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
    with store.write("settings") as connection:
        changed = replace(read_settings(connection), **changes)
        write_settings(connection, changed)
    return changed


def with_settings(store: Store, **settings: Unpack[SearchSettings]) -> Store:
    """Return the same workspace, measured by other settings than its own; the workspace keeps its own.

    Parameters
    ----------
    store : Store
        The workspace.
    **settings : optional
        `relevance`, `without_relevant` and `index`, as `WorkspaceSettings` has them; None leaves one as it is.

    Returns
    -------
    Store
        The workspace, of which every question is answered by these settings.

    Raises
    ------
    BadSetting
        The value of a setting cannot be.

    Examples
    --------
    >>> wb.settings(wb.with_settings(store, relevance=2)).relevance
    2
    >>> wb.settings(store).relevance
    1
    """
    given = {name: value for name, value in settings.items() if value is not None}
    WorkspaceSettings(**given)  # type: ignore[arg-type]  # refuses what cannot be
    measured = copy(store)
    measured.overrides = {**store.overrides, **given}
    return measured
