"""The table of losses: what it holds agrees with the formulas, and the documentation has a line for each."""

from __future__ import annotations

from inspect import Parameter, signature
from pathlib import Path

import pytest

from workbench.losses import LOSSES, Loss, Range, loss, registry

DOCS = Path(__file__).parents[2] / "docs" / "losses.md"
TEMPERATURES = {"teacher_temperature", "student_temperature"}


@pytest.mark.parametrize("name", LOSSES)
def test_the_options_of_a_loss_are_the_keywords_of_its_formula(name: str) -> None:
    parameters = signature(LOSSES[name].formula).parameters.values()
    keywords = [parameter.name for parameter in parameters if parameter.kind is Parameter.KEYWORD_ONLY]
    assert [keyword for keyword in keywords if keyword not in TEMPERATURES] == list(LOSSES[name].options)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_says_in_one_line_what_it_rewards_and_where_it_comes_from(name: str) -> None:
    entry = LOSSES[name]
    for text in (entry.meaning, entry.paper):
        assert text
        assert "\n" not in text
        assert not text.endswith(".")


@pytest.mark.parametrize("name", LOSSES)
def test_the_documentation_has_the_line_of_each_loss(name: str) -> None:
    entry = LOSSES[name]
    options = ", ".join(f"`{option}`: {allowed.in_words}" for option, allowed in entry.options.items())
    assert f"| `{name}` | {entry.meaning} | {entry.paper} | {options} |\n" in DOCS.read_text("utf-8")


def test_a_loss_that_is_added_to_the_table_is_known_wherever_losses_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.LOSSES, "toy", Loss(LOSSES["kl"].formula, "a toy", "nowhere", {"size": Range(1, 2)}))
    assert loss("toy") is LOSSES["kl"].formula
    assert "toy" in loss("toy + kl").terms[0].name
    with pytest.raises(Exception, match="from 1 to 2"):
        loss("toy(size=3)")
