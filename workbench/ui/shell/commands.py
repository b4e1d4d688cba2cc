"""What a page shows to copy: shell lines, notebook cells and links that give what the page shows."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from workbench import commands
from workbench.store import Store


def line(store: Store, *arguments: str) -> str:
    """Return a command on this workspace as a line for the shell."""
    return commands.line(["--workspace", str(store.path), *arguments])


def show(store: Store, arguments: Sequence[str]) -> None:
    """Show the command that does in the shell what the page offers."""
    st.caption("The same in the shell")
    st.code(line(store, *arguments), language="shell", wrap_lines=True)


def reproduce(store: Store, page: str, shell: Sequence[Sequence[str]], notebook: str, **params: str) -> None:
    """Show how to come to this view again: in the shell (commands as arguments), in a notebook, and by link.

    The link keeps what the address holds; `params` name the choices that it holds only once they were changed.
    """
    lines = "\n".join(line(store, *arguments) for arguments in shell)
    cell = f"import workbench as wb\n\nstore = wb.Store({str(store.path)!r})\n{notebook}"
    here = urlsplit(st.context.url or "")
    chosen = sorted((name, value) for name, value in (st.query_params.to_dict() | params).items() if value)
    link = urlunsplit((here.scheme, here.netloc, f"/{page}", urlencode(chosen), ""))
    with st.expander("How to reproduce this view", icon=":material/replay:"):
        for where, text, language in (("Shell", lines, "shell"), ("Notebook", cell, "python"), ("Link", link, None)):
            st.caption(where)
            st.code(text, language=language, wrap_lines=True)
