"""Where the files to ingest come from: uploaded by a browser, or a path on the server within allowed folders."""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path, PurePosixPath

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from workbench import files
from workbench.errors import WorkbenchError
from workbench.formats.allowed_folders import allowed_folders, allowed_path
from workbench.store import Store
from workbench.ui.shell import components, pickers

SOURCES = {"upload": "Upload files", "folder": "Upload a folder", "path": "A path on the server"}
PASSAGES, QUERIES = "corpus.jsonl", "queries.jsonl"


def select_source(store: Store) -> Path | None:
    """Let a person name files; return the file or folder to read, None while there is none."""
    if pickers.segment("From", SOURCES, "from", "upload") == "path":
        return _typed_path(store)
    whole_folder = st.session_state.get("segment-from") == "folder"
    uploaded = st.file_uploader(
        "Files" if not whole_folder else "Folder",
        accept_multiple_files="directory" if whole_folder else True,
        key=f"upload-{'folder' if whole_folder else 'files'}",
        help="A table of questions and passages (.csv .tsv .jsonl .parquet), qrels, a run; or the files of a BEIR "
        "folder together: corpus.jsonl, queries.jsonl and the qrels.",
    )
    return kept(store, uploaded) if isinstance(uploaded, list) and uploaded else None


def _typed_path(store: Store) -> Path | None:
    folders = allowed_folders(store.path)
    text = st.text_input(
        "Path on the server", key="path", bind="query-params", placeholder="questions.csv, or a folder",
        help="Within: " + ", ".join(f"`{folder}`" for folder in folders),
    )  # fmt: skip
    if not (text or "").strip():
        components.remark("Files may be read from: " + ", ".join(map(str, folders)))
        return None
    try:
        return allowed_path(str(text), folders)
    except WorkbenchError as error:
        components.failed(error.problem, error.hint)
        return None


def kept(store: Store, uploaded: Sequence[UploadedFile]) -> Path:
    """Write uploaded files into the workspace, where a job can read them; return the one file, or their folder.

    The folder is named by their content, so that the same files are there once. TREC and BEIR files that come together
    with a collection's are its qrels.
    """
    names = {_relative(file.name): file.getvalue() for file in uploaded}
    if {PASSAGES, QUERIES} <= {name.name.removesuffix(".gz") for name in names}:
        names = {_in_beir_folder(name): content for name, content in names.items()}
    digest = sha256()
    for name in sorted(names):
        digest.update(f"{len(str(name))} {name} {len(names[name])} ".encode() + names[name])
    folder = store.uploads / digest.hexdigest()[:12]
    if folder.exists():
        os.utime(folder)  # as if new: somebody needs it
    else:
        with files.folder(folder) as draft:
            for name, content in names.items():
                (draft / name).parent.mkdir(parents=True, exist_ok=True)
                (draft / name).write_bytes(content)
    return folder / next(iter(names)) if len(names) == 1 else folder


def _relative(name: str) -> PurePosixPath:
    """Return the path of an uploaded file below its folder: no part of it leads elsewhere."""
    parts = [part for part in PurePosixPath(name.replace("\\", "/").replace("\0", "")).parts if part not in ("..", "/")]
    return PurePosixPath(*parts) if parts else PurePosixPath("file")


def _in_beir_folder(name: PurePosixPath) -> PurePosixPath:
    return PurePosixPath("qrels", name.name) if ".tsv" in name.suffixes else PurePosixPath(name.name)
