"""Servers: a port that is taken, and where the dashboard is."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shell import shell
from workbench.cli.start import serve, servers
from workbench.formats.allowed_folders import FOLDERS_VARIABLE
from workbench.store import Store


@pytest.fixture
def taken() -> Iterator[int]:
    """Listen on a port and return it."""
    with socket.socket() as listener:
        listener.bind((servers.HOST, 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("verb", ["serve", "lab"])
def test_a_taken_port_names_one_to_use_instead(store: Store, taken: int, verb: str) -> None:
    printed = shell(verb, "--port", taken, workspace=store.path)
    assert (printed.code, printed.out) == (1, "")
    assert f"Port {taken} is taken on 127.0.0.1." in printed.err
    named = re.search(rf"workbench {verb} --port (\d+)", printed.err)
    assert named is not None
    other = int(named[1])
    assert taken < other <= 65_535
    with socket.socket() as free:
        free.bind((servers.HOST, other))


def test_the_demo_checks_the_port_before_it_walks(tmp_path: Path, taken: int) -> None:
    printed = shell("demo", "--serve", "--port", taken, workspace=tmp_path / "demo")
    assert printed.code == 1
    assert f"Port {taken} is taken" in printed.err
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("port", ["0", "-1", "65536", "x"])
def test_an_impossible_port_is_wrong_usage(store: Store, port: str) -> None:
    assert shell("serve", "--port", port, workspace=store.path).code == 2


def test_a_free_port_is_served_here_only_with_this_workspace(
    store: Store, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    monkeypatch.setattr(servers, "follow", lambda *given, **variables: calls.append((*given, variables)))
    monkeypatch.setattr(servers, "_can_bind", lambda port: port != taken)
    printed = shell("serve", "--port", taken - 1, workspace=store.path)
    assert printed.code == 0
    ((command, session, folder, variables),) = calls
    assert {f"--server.port={taken - 1}", "--server.address=127.0.0.1"} <= set(command)
    assert (session.workspace, folder) == (store.path, serve.dashboard())
    assert f"{store.path}: http://127.0.0.1:{taken - 1} " in printed.out
    assert variables[FOLDERS_VARIABLE].split(os.pathsep) == [str(Path.cwd()), str(store.path.parent)]
    shell("serve", "--port", taken - 1, "--allow", "/usr", "--allow", "..", workspace=store.path)
    assert calls[-1][-1][FOLDERS_VARIABLE].split(os.pathsep) == [str(Path("/usr").resolve()), str(Path.cwd().parent)]


def test_the_dashboard_is_found_in_the_repository_or_in_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (serve.dashboard() / "pages").is_dir()
    monkeypatch.setattr(servers, "ROOT", tmp_path)
    with pytest.raises(Exception, match="missing from this installation"):
        serve.dashboard()
    home = tmp_path / "workbench" / "dashboard"
    home.mkdir(parents=True)
    (home / "streamlit_app.py").touch()
    assert serve.dashboard() == home
