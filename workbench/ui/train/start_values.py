"""What the form of a training begins with: the usual settings, or those of a student to be trained otherwise."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import streamlit as st

from workbench.errors import WorkbenchError
from workbench.losses import LOSSES
from workbench.steps.teach.candidates import DEFAULT_STUDENT
from workbench.store import Store
from workbench.students import Student
from workbench.students.methods import METHODS
from workbench.trainer import TrainSettings
from workbench.trainer.settings import FORMER
from workbench.ui.shell import cache, components

USUAL = TrainSettings()
LIKE = "like"  # in the link: the student whose settings are to be taken


@dataclass(frozen=True)
class StartValues:
    """Settings, base and teacher to begin with; `suffix` ends the keys of the form's fields."""

    settings: TrainSettings = USUAL
    base: str = DEFAULT_STUDENT
    teacher: str = ""
    suffix: str = ""

    @property
    def loss(self) -> str:
        """Return the single loss to begin with; the usual one in place of a sum of several."""
        return self.settings.loss if self.settings.loss in LOSSES else USUAL.loss


def choose(store: Store) -> StartValues:
    """Return what the link asks for, said with a way back to the usual settings."""
    wanted = st.query_params.get(LIKE, "")
    if not wanted:
        return StartValues()
    student = next((student for student in cache.trained(store) if student.name == wanted), None)
    if not student:
        components.stale(f"The link names the student “{wanted}”, which is not in this workspace.")
        return StartValues()
    values = _of_student(student)
    left, right = components.columns("two-like", [3, 1])
    with left:
        components.remark(f"The settings are those of {wanted}: change what is to be different.")
    right.button("The usual settings", key="usual-settings", icon=":material/undo:", on_click=_forget)
    return values


def _of_student(student: Student) -> StartValues:
    known = asdict(USUAL) | {name: value for name, value in FORMER.items() if name not in student.recipe["settings"]}
    known |= {name: value for name, value in student.recipe["settings"].items() if name in known}
    try:
        settings = TrainSettings(**known)
    except (WorkbenchError, TypeError) as error:  # made elsewhere, or by hand
        components.stale(f"The settings of {student.name} cannot be used again: {error}")
        return StartValues()
    if settings.method not in METHODS:
        return StartValues()
    return StartValues(settings, student.base, str(student.recipe.get("teacher", "")), f"-like-{student.name}")


def _forget() -> None:
    st.query_params.pop(LIKE, None)
