"""What a page shows to copy: shell lines, notebook cells and links that give what the page shows."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from workbench import commands
from workbench.store import Store

# The commands that measure, with the settings that they take in place of the workspace's.
BOTH = ("relevance", "without_relevant")
MEASURED = {"info": BOTH, "diff": BOTH, "students": BOTH, "agreement": BOTH, "cases": ("relevance",)}


def line(store: Store, *arguments: str) -> str:
    """Return a command on this workspace as a line for the shell."""
    return commands.line(["--workspace", str(store.path), *arguments])


def on_this(store: Store, text: str) -> str:
    """Return a text whose commands in backticks are on this workspace."""
    return text if "--workspace" in text else text.replace("`workbench ", f"`{line(store)} ")


def show(store: Store, arguments: Sequence[str]) -> None:
    """Show the command that does in the shell what the page offers."""
    st.caption("The same in the shell")
    st.code(line(store, *arguments), language="shell", wrap_lines=True)


def _measured(store: Store, arguments: Sequence[str]) -> list[str]:
    """Return a command that measures by the settings of a page where they are not the workspace's."""
    verb, *others = arguments
    chosen = {name: value for name, value in store.overrides.items() if name in MEASURED.get(verb, ())}
    return [*commands.command(verb, **chosen), *others]


def reproduce(store: Store, page: str, shell: Sequence[Sequence[str]], notebook: str, **params: str) -> None:
    """Show how to come to this view again: in the shell (commands as arguments), in a notebook, and by link.

    The link keeps what the address holds; `params` name the choices that it holds only once they were changed.
    """
    lines = "\n".join(line(store, *_measured(store, arguments)) for arguments in shell)
    opened = f"wb.Store({str(store.path)!r})"
    if store.overrides:
        settings = ", ".join(f"{name}={value!r}" for name, value in store.overrides.items())
        opened = f"wb.with_settings({opened}, {settings})"
    cell = f"import workbench as wb\n\nstore = {opened}\n{notebook}"
    here = urlsplit(st.context.url or "")
    held = {name: st.query_params.get_all(name) for name in st.query_params}
    named = held | {name: [value] for name, value in params.items()}
    chosen = sorted((name, value) for name, values in named.items() for value in values if value)
    link = urlunsplit((here.scheme, here.netloc, f"/{page}", urlencode(chosen), ""))
    with st.expander("How to reproduce this view", icon=":material/replay:"):
        for where, text, language in (("Shell", lines, "shell"), ("Notebook", cell, "python"), ("Link", link, None)):
            st.caption(where)
            st.code(text, language=language, wrap_lines=True)
