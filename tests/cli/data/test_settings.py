"""`workbench settings`: what the numbers and texts of a workspace follow."""

from __future__ import annotations

from dataclasses import fields

import workbench as wb
from tests.shell import shell, worked
from workbench.store import Store, WorkspaceSettings


def test_every_setting_is_shown_with_what_it_means(empty: Store) -> None:
    printed = " ".join(worked("settings", workspace=empty.path).out.split())
    for setting in fields(WorkspaceSettings):
        assert f"{setting.name} {setting.default} {setting.default}" in printed
        assert setting.metadata["about"][1:] in printed
    assert worked("settings", "--json", workspace=empty.path).json == {
        "relevance": 1, "title_join": "space", "without_relevant": "zero", "index": "auto",
    }  # fmt: skip


def test_an_option_changes_its_setting_and_keeps_the_others(empty: Store) -> None:
    worked("settings", "--relevance", 2, workspace=empty.path)
    changed = worked("settings", "--without-relevant", "left out", "--title-join", "newline", "--json",
                     workspace=empty.path)  # fmt: skip
    assert changed.json == {"relevance": 2, "title_join": "newline", "without_relevant": "left out",
                            "index": "auto"}  # fmt: skip
    assert wb.settings(empty) == WorkspaceSettings(2, "newline", "left out")


def test_every_setting_has_an_option(empty: Store) -> None:
    help_text = worked("settings", "--help").out
    assert all(f"--{setting.name.replace('_', '-')}" in help_text for setting in fields(WorkspaceSettings))


def test_a_value_that_cannot_be_changes_nothing(empty: Store) -> None:
    for option, value in (
        ("--relevance", "0"),
        ("--title-join", "comma"),
        ("--without-relevant", "one"),
        ("--index", "fast"),
    ):
        refused = shell("settings", option, value, workspace=empty.path)
        assert (refused.code, refused.out) == (1, "")
        assert f"is {value}" in refused.err.replace("'", "")
    assert wb.settings(empty) == WorkspaceSettings()


def test_info_names_settings_other_than_usual(empty: Store) -> None:
    assert "Settings" not in worked("info", workspace=empty.path).out
    wb.configure(empty, relevance=3)
    printed = worked("info", workspace=empty.path).out
    assert "Settings other than usual: relevance is 3 (`workbench settings`" in printed
    assert worked("info", "--json", workspace=empty.path).json["settings"]["relevance"] == 3
