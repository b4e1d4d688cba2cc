"""Push: a student to the Hugging Face hub, by a person's own choice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from workbench import students
from workbench.errors import BadSetting, NothingToDo, WorkbenchError
from workbench.results import Result, counted
from workbench.steps.compare.model_card import renew
from workbench.steps.compare.ranking.retriever import find_student
from workbench.store import Store
from workbench.students import model_card


@dataclass(frozen=True)
class FilesToPush(Result):
    """What would be uploaded: a student's folder and its files with their bytes, by name; hidden ones stay here."""

    columns: ClassVar = {"file": "its path in the folder", "bytes": "its size"}

    student: str
    path: str
    files: tuple[tuple[str, int], ...]

    @property
    def in_words(self) -> str:
        """Return how much would be uploaded."""
        size = sum(size for _, size in self.files) / 1e6
        return f"{self.student}: {counted(len(self.files), 'file')}, {size:,.1f} MB, from {self.path}"

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return a row for each file."""
        return self.files


@dataclass(frozen=True)
class Pushed(Result):
    """What was uploaded, and where it is now."""

    columns: ClassVar = {
        "student": "the student",
        "repository": "the repository of the hub",
        "url": "its address",
        "files": "number of files uploaded",
    }

    student: str
    repository: str
    url: str
    files: int

    @property
    def in_words(self) -> str:
        """Return the outcome in a sentence."""
        return f"{self.student}: {counted(self.files, 'file')} at {self.url}"

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return one row."""
        return [(self.student, self.repository, self.url, self.files)]


def files_to_push(store: Store, student: str) -> FilesToPush:
    """Return what a push of a student would upload.

    Parameters
    ----------
    store : Store
        The workspace.
    student : str
        A trained student's name, or a folder that `export_student` wrote.

    Returns
    -------
    FilesToPush
        The files with their sizes, to look at before `push`.

    Raises
    ------
    UnknownName
        There is no student of that name.
    BadSetting
        The student was not trained here: it is somebody else's model.
    NothingToDo
        Its folder has no model card.

    Examples
    --------
    >>> files = wb.files_to_push(store, "student")
    >>> "README.md" in files.to_frame()["file"].tolist()
    True
    """
    trained = find_student(store, student)
    if not (trained.path / students.RECIPE).is_file():
        raise BadSetting(
            f"{student!r} was not made here: it is somebody else's model.",
            "Push a student that you trained, or a folder that `workbench export-student` made of one.",
        )
    renew(store, trained.name)
    if not (trained.path / model_card.CARD).is_file():
        raise NothingToDo(
            f"{trained.path} has no model card, and nobody could tell which licences hold.",
            f"Evaluate the student, which writes {model_card.CARD}.",
        )
    uploaded = [file for file in sorted(trained.path.rglob("*")) if file.is_file() and not _hidden(file, trained.path)]
    return FilesToPush(
        trained.name,
        str(trained.path),
        tuple((file.relative_to(trained.path).as_posix(), file.stat().st_size) for file in uploaded),
    )


def push(files: FilesToPush, repository: str, *, private: bool = False) -> Pushed:
    """Upload a student to a repository of the Hugging Face hub, which is made if it is not there.

    Parameters
    ----------
    files : FilesToPush
        What to upload, from `files_to_push`.
    repository : str
        The repository, as OWNER/NAME.
    private : bool
        Whether a repository that is made is private.

    Returns
    -------
    Pushed
        Where the files are now.

    Raises
    ------
    BadSetting
        The name cannot be that of a repository.
    WorkbenchError
        There is no token, or the hub refuses or cannot be reached.

    Examples
    --------
    >>> files = wb.files_to_push(store, "student")
    >>> wb.push(files, "not a repository")
    Traceback (most recent call last):
    ...
    workbench.errors...
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

    hub = HfApi()
    try:
        hub.whoami()
        made = hub.create_repo(repository, private=private, exist_ok=True)
        hub.upload_folder(
            repo_id=made.repo_id,
            folder_path=files.path,
            # Exactly what was shown: a file that came meanwhile was not agreed to.
            allow_patterns=[_literal(name) for name, _ in files.files],
            commit_message=f"Add {' '.join(files.student.split())}"[:72],
        )
    except LocalTokenNotFoundError as error:
        raise WorkbenchError("The hub does not know who you are: there is no token.", LOGIN) from error
    except HFValidationError as error:
        raise BadSetting(f"{repository!r} cannot name a repository: {error}", "It is OWNER/NAME.") from error
    except HfHubHTTPError as error:
        raise WorkbenchError(f"The hub refused: {_first_line(error)}", LOGIN) from error
    except OSError as error:  # httpx's own are not, but huggingface_hub makes ConnectionErrors of them
        raise WorkbenchError(f"The hub cannot be reached from here: {_first_line(error)}", OFFLINE) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("httpx", "httpcore"):
            raise
        raise WorkbenchError(f"The hub cannot be reached from here: {_first_line(error)}", OFFLINE) from error
    return Pushed(files.student, made.repo_id, str(made), len(files.files))


LOGIN = "Log in with `hf auth login`, or set HF_TOKEN, with a token that may write to this repository."
OFFLINE = "Nothing is lost: the folder stays as it is. Try again where the network reaches huggingface.co."


def _hidden(file: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(folder).parts)


def _literal(name: str) -> str:
    """Return a pattern that matches this name alone."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
