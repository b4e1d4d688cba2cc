"""The dashboard reads files within allowed folders only, whatever a path looks like."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from workbench.errors import BadInput
from workbench.formats.allowed_folders import FOLDERS_VARIABLE, allowed_folders, allowed_path


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Return two folders, beside a file that is in neither; a link leads out of the first."""
    (tmp_path / "secret.txt").write_text("secret")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.csv").write_text("query\n")
    (tmp_path / "one" / "out").symlink_to(tmp_path)
    (tmp_path / "onerous").mkdir()
    (tmp_path / "onerous" / "x.csv").write_text("query\n")
    return [tmp_path / "one", tmp_path / "two"]


def test_a_path_within_is_found_relative_or_absolute(folders: list[Path]) -> None:
    one, two = folders
    assert allowed_path(" one.csv ", folders) == one / "one.csv"
    assert allowed_path("two.csv", folders) == two / "two.csv"
    assert allowed_path(str(two / "two.csv"), folders) == two / "two.csv"
    assert allowed_path("../two/two.csv", folders) == two / "two.csv"
    assert allowed_path(".", folders) == one


@pytest.mark.parametrize("text", ["../secret.txt", "out/secret.txt", "/etc/passwd", "~", "../onerous/x.csv", "a\0b"])
def test_a_path_outside_is_refused_in_a_sentence(folders: list[Path], text: str) -> None:
    with pytest.raises(BadInput, match=r"outside the folders|no path|no such file") as refused:
        allowed_path(text, folders)
    assert "secret" not in str(refused.value).replace(text, "")
    if "outside" in refused.value.problem:
        assert "--allow" in refused.value.hint
        assert str(folders[0]) in refused.value.hint


def test_a_path_within_that_is_not_there_says_so(folders: list[Path]) -> None:
    with pytest.raises(BadInput, match="no such file"):
        allowed_path("three.csv", folders)


def test_the_folders_are_those_of_the_variable_else_here_and_beside_the_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(FOLDERS_VARIABLE, raising=False)
    assert allowed_folders(tmp_path / "beside" / "workspace") == [tmp_path, tmp_path / "beside"]
    monkeypatch.setenv(FOLDERS_VARIABLE, os.pathsep.join(["/usr", str(tmp_path / "a")]))
    assert allowed_folders(tmp_path) == [Path("/usr").resolve(), tmp_path / "a"]
