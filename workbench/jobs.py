"""A long step as a child process that outlives the browser: start it, follow it, stop it, find lost ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil

from workbench import files
from workbench.errors import Damaged, UnknownName, WorkbenchError
from workbench.progress import NO_PACE, Pace, Stopwatch
from workbench.records import Progress
from workbench.store import Store

FOLDER_VARIABLE = "WORKBENCH_JOB"  # tells a child which folder to report into
HEARTBEAT_SECONDS = 2.0
SILENT_SECONDS = 60.0
ASKED_TO_STOP = "stop"  # a file in the folder of a job


@dataclass(frozen=True)
class Job:
    """A step in a process of its own; `state` is running, done, failed, stopped or lost.

    `stopping` jobs were asked to end, and run until the step at hand is finished.
    """

    job_id: str
    arguments: tuple[str, ...]
    state: str
    started: datetime
    updated: datetime
    progress: Progress | None
    message: str
    student: str = ""
    pace: Pace = NO_PACE
    stopping: bool = False

    @property
    def verb(self) -> str:
        """Return which step it runs."""
        return self.arguments[0] if self.arguments else ""

    @property
    def shown_state(self) -> str:
        """Return its state as people are shown it: a job that was asked to end is stopping."""
        return "stopping" if self.stopping else self.state


def start(store: Store, arguments: Sequence[str]) -> Job:
    """Run `workbench ARGUMENTS` on this workspace in a session of its own, and return at once."""
    job_id = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid4().hex[:4]}"
    folder = store.jobs / job_id
    folder.mkdir(parents=True)
    environment = {**os.environ, FOLDER_VARIABLE: str(folder), "COLUMNS": "120"}
    pid = launch(["--workspace", str(store.path), *arguments], folder / "log.txt", environment)
    _write(folder / "job.json", {"arguments": list(arguments), "started": _now(), **_identity(pid)})
    return find(store, job_id)


def launch(arguments: Sequence[str], log: Path, environment: Mapping[str, str]) -> int:
    """Run the program in a session of its own, printing into `log`, and return its pid."""
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "workbench", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
        ).pid


def jobs(store: Store) -> list[Job]:
    """Return every job of the workspace, the newest first; one whose files are damaged is left out, with a warning."""
    listed = []
    for path in sorted(store.jobs.glob("*/job.json"), reverse=True):
        try:
            listed.append(_read(path.parent))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            warnings.warn(f"Left out a job, {path.parent}: its files are damaged ({error}).", Damaged, stacklevel=2)
    return listed


def find(store: Store, job_id: str) -> Job:
    """Return one job; raises UnknownName naming those that exist."""
    folder = store.jobs / job_id
    if Path(job_id).name != job_id or not (folder / "job.json").exists():
        raise UnknownName("job", job_id, [job.job_id for job in jobs(store)])
    return _read(folder)


def stop(store: Store, job_id: str) -> None:
    """Ask a running job to end; it keeps what it has finished."""
    job = find(store, job_id)
    started = _load(store.jobs / job_id / "job.json")
    if job.state != "running":
        raise WorkbenchError(f"Job {job_id} is not running; it is {job.state}.")
    files.write_text(store.jobs / job_id / ASKED_TO_STOP, _now())
    if _alive(started):
        psutil.Process(int(started["pid"])).terminate()


def must_not_be_running(store: Store, student: str) -> None:
    """Raise WorkbenchError if a job is at work on a student."""
    for job in jobs(store):
        if job.state == "running" and student in (job.student, *job.arguments):
            raise WorkbenchError(
                f"The job {job.job_id} ({job.verb}) is at work on {student}.",
                f"Stop it first: `workbench jobs --stop {job.job_id}`.",
            )


def log(store: Store, job_id: str, lines: int = 40) -> str:
    """Return the last lines that a job has printed."""
    text = (store.jobs / find(store, job_id).job_id / "log.txt").read_text(encoding="utf-8", errors="replace")
    return "\n".join(text.replace("\r", "\n").splitlines()[-lines:])


class Reporter:
    """The child's end: writes `status.json` at every change and every few seconds, whatever the step does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._status: dict[str, Any] = {"state": "running", "message": "", "student": "", "progress": None}
        self._stopwatch = Stopwatch()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._update()
        threading.Thread(target=self._beat, daemon=True).start()

    def progress(self, progress: Progress) -> None:
        """Note how far the step is; written with the next heartbeat."""
        self._status |= {"progress": list(progress), "pace": list(self._stopwatch.pace(progress))}

    def student(self, name: str) -> None:
        """Note which student the job makes."""
        self._status["student"] = name
        self._update()

    def end(self, state: str, message: str) -> None:
        """Report how the step ended."""
        self._ended.set()
        self._status |= {"state": state, "message": message}
        self._update()

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT_SECONDS):
            self._update()

    def _update(self) -> None:
        with self._lock:
            _write(self._folder / "status.json", {**self._status, "updated": _now()})


def reporter() -> Reporter | None:
    """Return the reporter of this process if it was started as a job."""
    folder = os.environ.get(FOLDER_VARIABLE)
    return Reporter(Path(folder)) if folder else None


def _read(folder: Path) -> Job:
    started = _load(folder / "job.json")
    status = _load(folder / "status.json")
    state, message = status.get("state", "running"), status.get("message", "")
    updated = datetime.fromisoformat(status.get("updated", started["started"]))
    if state == "running" and not _alive(started):
        # It may have ended between the two looks: what it reported last counts, if it did.
        status = _load(folder / "status.json")
        state, message = status.get("state", "running"), status.get("message", "")
        if state == "running":
            state, message = "lost", "The process ended without a report; what it had committed is kept."
    elif state == "running" and (datetime.now(UTC) - updated).total_seconds() > SILENT_SECONDS:
        message = f"No sign of life since {updated:%H:%M:%S} UTC."
    progress = status.get("progress")
    return Job(
        job_id=folder.name,
        arguments=tuple(started["arguments"]),
        state=state,
        started=datetime.fromisoformat(started["started"]),
        updated=updated,
        progress=Progress(*progress) if progress else None,
        message=message,
        student=status.get("student", ""),
        pace=Pace(*status.get("pace", ())),
        stopping=state == "running" and (folder / ASKED_TO_STOP).exists(),
    )


def _identity(pid: int) -> dict[str, Any]:
    # A pid alone is not an identity: it is given out again, also across a restart of the machine.
    try:
        return {"pid": pid, "created": psutil.Process(pid).create_time()}
    except psutil.NoSuchProcess:
        return {"pid": pid, "created": 0.0}


def _alive(started: dict[str, Any]) -> bool:
    try:
        process = psutil.Process(int(started["pid"]))
        return process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - started["created"]) < 1.0
    except psutil.Error:
        return False


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _load(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return content


def _write(path: Path, content: dict[str, Any]) -> None:
    files.write_text(path, json.dumps(content))
