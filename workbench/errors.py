"""Errors a person can act on: what is wrong, where, and what to do about it."""

from __future__ import annotations

from pathlib import Path


class WorkbenchError(Exception):
    """The base of all errors here: a problem in one sentence and, where one is known, a hint."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem, hint)
        self.problem = problem
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.problem} {self.hint}".strip()


class BadInput(WorkbenchError):
    """A person's file cannot be read; names the file and, where it has any, the line."""

    def __init__(self, problem: str, file: Path | str, line: int = 0, hint: str = "") -> None:
        where = f"{file}, line {line}" if line else f"{file}"
        super().__init__(f"{where}: {problem}", hint)
        self.what = problem
        self.file = str(file)
        self.line = line


class BadSetting(WorkbenchError):
    """A setting has a value that cannot work."""


class UnknownName(WorkbenchError):
    """There is nothing of that name; lists the names there are."""

    def __init__(self, kind: str, name: str, known: list[str], hint: str = "") -> None:
        listed = ", ".join(known[:12]) + (", …" if len(known) > 12 else "")
        super().__init__(f"There is no {kind} named {name!r}.", hint or f"Known: {listed or 'none yet'}.")
        self.name = name
        self.known = known


class NothingToDo(WorkbenchError):
    """A step lacks the output of an earlier one; says which to run first."""


class Conflict(WorkbenchError):
    """Something to be written contradicts what the workspace already holds."""


class StoreBusy(WorkbenchError):
    """Another process held the database file for longer than we wait."""


class StoreVersion(WorkbenchError):
    """The database file has a schema version that this version cannot read."""


class WriteFailed(WorkbenchError):
    """Something cannot be written: the disk is full, a quota or limit is reached, or the place is read-only."""


class ModelUnavailable(WorkbenchError):
    """A model could not be loaded from where its name points."""


class ServerUnavailable(WorkbenchError):
    """A model server cannot be reached, refuses what it is asked, or answers what cannot be used."""


class BudgetSpent(WorkbenchError):
    """What a model server may be asked in one call has been asked; what was answered is kept."""


class Damaged(RuntimeWarning):
    """One thing of many in a workspace is damaged, and was left out; `workbench doctor` lists them."""
