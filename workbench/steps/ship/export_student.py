"""A copy of a student's folder, also for other runtimes, with what each of them loses, measured."""

from __future__ import annotations

import json
import random
import shutil
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from workbench import files, machine, runtimes, students
from workbench.errors import BadSetting, Conflict, UnknownName, WorkbenchError
from workbench.records import SPLITS, Listener, Progress, silent
from workbench.results import Result
from workbench.retrieval.fingerprint import OTHER_RUNTIMES
from workbench.steps.compare.model_card import renew
from workbench.steps.compare.ranking.retriever import find_student
from workbench.steps.ship.conversion_loss import (
    MEASURED,
    ConversionLoss,
    ConversionSample,
    conversion_loss,
    conversion_sample,
    section,
)
from workbench.store import Store, views
from workbench.students import Student, architectures, model_card

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

RUNTIMES = ("onnx", "openvino")
QUALITY = "quality.json"
CALIBRATION = 100  # passages; a third of nncf's usual number, as each is read twice and long ones take their time
LIBRARIES = ("torch", "onnxruntime", "openvino", "nncf")
SEED = 13


@dataclass(frozen=True)
class ExportStudentSettings:
    """Which runtimes a student is written for, whether in int8 too, and on how many queries the loss is measured.

    `check` judged queries of `split` are drawn at random, the same ones each time; 0 takes all.
    """

    runtimes: tuple[str, ...] = ()
    int8: bool = False
    split: str = "test"
    check: int = 0

    def __post_init__(self) -> None:
        if unknown := [name for name in self.runtimes if name not in RUNTIMES]:
            raise UnknownName("runtime", unknown[0], list(RUNTIMES))
        if self.split not in SPLITS:
            raise UnknownName("split", self.split, list(SPLITS))
        if self.int8 and not self.runtimes:
            raise BadSetting("int8 is for another runtime, and none is named.", "Add --runtime onnx.")
        if self.check < 0:
            raise BadSetting(f"check is {self.check}.", "It is a number of queries; 0 takes all.")


@dataclass(frozen=True)
class ExportedStudent(Result):
    """The copy of a student's folder, and what each of its other runtimes loses and gains.

    `size` is that of the weights as they were, in bytes.
    """

    columns: ClassVar = {
        "file": "the model file",
        "bytes": "its size",
        "cosine": "mean cosine of its vectors to the student's own",
        "least_cosine": "the least of them",
        "texts": "texts a second",
        "texts_before": "the student's own texts a second",
        **{
            f"{name}{end}": f"{name} {what}"
            for name in MEASURED
            for end, what in (("", "of the file"), ("_difference", "less the student's own"), ("_verdict", "verdict"))
        },
    }

    student: str
    path: str
    split: str
    queries: int
    passages: int
    size: int
    losses: tuple[ConversionLoss, ...]
    seconds: float

    @property
    def in_words(self) -> str:
        """Return the outcome, a line for each runtime."""
        opens = architectures.architecture(Path(self.path)).opens
        lines = [f"{self.student} is in {self.path}; {opens} opens it there."]
        lines += [loss.in_words for loss in self.losses]
        if self.losses:
            lines.append(
                f"Measured on {self.queries:,} queries of {self.split} over {self.passages:,} passages; "
                f"the student's own weights take {self.size / 1e6:,.1f} MB."
            )
        return "\n".join(lines)

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return a row for each model file."""
        for loss in self.losses:
            by_measure = {one.measure: one for one in loss.comparisons}
            values = [
                (one.after.mean, one.difference.mean, one.verdict) if one else (None,) * 3
                for one in map(by_measure.get, MEASURED)
            ]
            yield (
                *(loss.file, loss.size, loss.cosine, loss.least_cosine, loss.texts, loss.texts_before),
                *(value for three in values for value in three),
            )


def export_student(
    store: Store,
    student: str,
    folder: Path | str,
    settings: ExportStudentSettings | None = None,
    listen: Listener = silent,
) -> ExportedStudent:
    """Copy a student's folder, write it for the runtimes asked for, and measure what that loses.

    quality.json and the model card there say what was measured. The folder appears complete or not at all.

    Parameters
    ----------
    store : Store
        The workspace.
    student : str
        A trained student's name, or a model by hub name or folder.
    folder : Path or str
        Where to write; it must not be there yet.
    settings : ExportStudentSettings, optional
        The runtimes, int8, and the queries to measure on.
    listen : Listener
        Is called with the progress.

    Returns
    -------
    ExportedStudent
        The folder, and what each of its other runtimes loses.

    Raises
    ------
    Conflict
        The folder exists already.
    UnknownName
        There is no student of that name.
    BadSetting
        Another runtime is asked for a student that is not dense, or is not installed.
    ModelUnavailable
        The student is damaged: the copy would not open.
    WorkbenchError
        The folder cannot be written.

    Examples
    --------
    >>> exported = wb.export_student(store, "student", "exported")
    >>> exported.student, exported.losses
    ('student', ())
    """
    started, settings = time.monotonic(), settings or ExportStudentSettings()
    target = Path(folder).expanduser().resolve()
    if target.exists():
        raise Conflict(f"{target} exists already.", "Choose a name that is free; nothing is overwritten.")
    source = find_student(store, student)
    architecture = architectures.architecture(source.path)
    if settings.runtimes:
        if architecture is not architectures.DENSE:
            raise BadSetting(
                f"{source.name!r} is a {architecture.name} student; other runtimes are written for dense ones alone.",
                f"Export it without --runtime: {architecture.opens} of sentence-transformers opens it.",
            )
        runtimes.needed("onnx", "onnxruntime", "onnxscript", *(["openvino"] if "openvino" in settings.runtimes else []))
    with ExitStack() as stack:
        try:
            draft = stack.enter_context(files.folder(target))
        except OSError as error:
            raise WorkbenchError(f"{target} cannot be written: {error.strerror}.", "Name another folder.") from error
        _copy(store, source, draft)
        sample, losses = _written(store, source, draft, settings, listen) if settings.runtimes else (None, ())
        queries, passages = (len(sample.queries), len(sample.passages)) if sample else (0, 0)
        seconds = time.monotonic() - started
        made = ExportedStudent(
            source.name, str(target), settings.split, queries, passages, size(draft), losses, seconds
        )
        if losses:
            _write_quality(made, draft)
    return made


def size(folder: Path) -> int:
    """Return the bytes of a student's own weights, without those for other runtimes."""
    weights = [file for file in folder.rglob("*") if file.suffix in (".safetensors", ".bin")]
    return sum(file.stat().st_size for file in weights if not OTHER_RUNTIMES & set(file.relative_to(folder).parts))


def _copy(store: Store, student: Student, draft: Path) -> None:
    renew(store, student.name)
    # What other runtimes were published with a base were not measured here, and would be mistaken for ours.
    leave = shutil.ignore_patterns(".*", *OTHER_RUNTIMES, runtimes.LAYOUT, QUALITY)
    shutil.copytree(student.path, draft, ignore=leave, dirs_exist_ok=True)
    students.load(replace(student, path=draft), device="cpu")  # what is said to open has been opened
    if not (draft / model_card.CARD).exists():
        model_card.write(student, model_card.About(), draft)


def _written(
    store: Store, student: Student, draft: Path, settings: ExportStudentSettings, listen: Listener
) -> tuple[ConversionSample, tuple[ConversionLoss, ...]]:
    """Write the runtimes into a draft and measure each; all are written before any text is encoded."""
    model = students.load(student, device="cpu")
    runtimes.save_layout(runtimes.layout(model, student.path), draft)
    ids = views.passage_ids(store)
    chosen = random.Random(SEED).sample(range(len(ids)), min(CALIBRATION, len(ids)))
    calibration = [passage.content for passage in views.passages(store, [ids[row].as_py() for row in chosen])]
    written = _files(model, draft, settings, calibration, listen)
    sample = conversion_sample(store, student, settings.split, settings.check, listen)
    return sample, tuple(conversion_loss(sample, model, draft, file, listen) for file in written)


def _files(
    model: SentenceTransformer,
    draft: Path,
    settings: ExportStudentSettings,
    calibration: Sequence[str],
    listen: Listener,
) -> list[str]:
    written = []
    # Calibrating reads every text twice: minutes on a busy machine.
    listen(Progress("write", 0, 0, "files", ", ".join(settings.runtimes)))
    if "openvino" in settings.runtimes:
        written += runtimes.write_openvino(model, draft, calibration, settings.int8)
    if "onnx" in settings.runtimes:
        written += runtimes.write_onnx(model, draft, settings.int8)
    return written


def _write_quality(made: ExportedStudent, draft: Path) -> None:
    """Write quality.json, and the same as a section of the card."""
    left_out = ("path", "differences")  # where it was written, and the differences of single queries
    quality: dict[str, Any] = asdict(
        made, dict_factory=lambda pairs: {name: value for name, value in pairs if name not in left_out}
    )
    quality |= {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine.cpu_name(),
        "versions": {name: version(name) for name in LIBRARIES},
    }
    files.write_text(draft / QUALITY, json.dumps(quality, indent=2, ensure_ascii=False) + "\n")
    note = (
        f"Measured on {made.queries:,} queries of {made.split} over {made.passages:,} passages, {machine.cpu_name()}."
    )
    model_card.append(draft / model_card.CARD, section(made.losses, note))
