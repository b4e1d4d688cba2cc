"""Push: a student to the Hugging Face hub, by a person's own choice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from workbench import students
from workbench.errors import BadSetting, NothingToDo, WorkbenchError
from workbench.steps.compare.model_card import renew
from workbench.store import Store
from workbench.students import model_card


@dataclass(frozen=True)
class Contents:
    """What would be uploaded: a student's folder and its files with their bytes, by name; hidden ones stay here."""

    student: str
    path: str
    files: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Pushed:
    """What was uploaded, and where it is now."""

    student: str
    repository: str
    url: str
    files: int

    @property
    def in_words(self) -> str:
        """Return the outcome in a sentence."""
        return f"{self.student}: {self.files:,} files are at {self.url}"


def contents(store: Store, student: str) -> Contents:
    """Return what a push would upload; raises for what was not made here, and for a folder without a card."""
    found = students.find(student, store.students)
    if not (found.path / students.RECIPE).is_file():
        raise BadSetting(
            f"{student!r} was not made here: it is somebody else's model.",
            "Push a student that you trained, or a folder that `workbench export_student` made of one.",
        )
    renew(store, found.name)
    if not (found.path / model_card.CARD).is_file():
        raise NothingToDo(
            f"{found.path} has no model card, and nobody could tell which licences hold.",
            f"Evaluate the student, which writes {model_card.CARD}.",
        )
    files = [file for file in sorted(found.path.rglob("*")) if file.is_file() and not _hidden(file, found.path)]
    return Contents(
        found.name,
        str(found.path),
        tuple((file.relative_to(found.path).as_posix(), file.stat().st_size) for file in files),
    )


def push(found: Contents, repository: str, *, private: bool = False) -> Pushed:
    """Upload to a repository of the hub, which is made if it is not there; raises WorkbenchError, in words."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

    hub = HfApi()
    try:
        hub.whoami()
        made = hub.create_repo(repository, private=private, exist_ok=True)
        hub.upload_folder(
            repo_id=made.repo_id,
            folder_path=found.path,
            # Exactly what was shown: a file that came meanwhile was not agreed to.
            allow_patterns=[_literal(name) for name, _ in found.files],
            commit_message=f"Add {' '.join(found.student.split())}"[:72],
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
    return Pushed(found.student, made.repo_id, str(made), len(found.files))


LOGIN = "Log in with `hf auth login`, or set HF_TOKEN, with a token that may write to this repository."
OFFLINE = "Nothing is lost: the folder stays as it is. Try again where the network reaches huggingface.co."


def _hidden(file: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(folder).parts)


def _literal(name: str) -> str:
    """Return a pattern that matches this name alone."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
