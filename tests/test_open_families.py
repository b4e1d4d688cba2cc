"""A member added to the table of an open family is found in shell and pages, and missed in the documents.

The members are added in a child process, before it has loaded any face: help texts are written when a face is loaded.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests import children
from tests.steps.classes import ROOT, TOPICS, base, collection
from workbench.formats import Collection
from workbench.losses.divergences import kl
from workbench.losses.registry import LOSSES, Loss
from workbench.readers import READERS, ReaderKind
from workbench.records import Answer, Group, Passage, Query, Scored, Utility
from workbench.steps.data.formats import FORMATS, Format
from workbench.steps.data.readers import Source
from workbench.steps.data.training_rows import ExportSettings
from workbench.store import Store, views
from workbench.store.views import RULES, Rule, Threshold
from workbench.students.methods import METHODS
from workbench.teachers import TEACHERS, TeacherKind

pytestmark = pytest.mark.process
VERBS = ("score", "read", "train", "cases", "ingest", "export")


@dataclass(frozen=True)
class ToySettings:
    """The settings of the toy teacher."""

    constant: float = field(default=1.0, metadata={"about": "the utility of every passage"})


class ToyTeacher:
    """Finds every passage as useful as any other."""

    name = "toy_teacher:1"
    unit = "grade"

    def __init__(self, settings: ToySettings) -> None:
        self.settings = settings

    def prepare(self, collection: Iterable[Passage]) -> None:
        """Read nothing."""

    def utilities(self, groups: Sequence[Group]) -> Iterator[list[Scored]]:
        for query, passages in groups:
            yield [
                Utility(query.query_id, passage.passage_id, self.name, self.settings.constant) for passage in passages
            ]


class ToyReader:
    """Answers every query with the constant."""

    name = "toy_reader-1"

    def __init__(self, settings: ToySettings) -> None:
        self.settings = settings

    def prepare(self, title_join: str) -> None:
        """Read nothing."""

    def answers(self, groups: Sequence[Group]) -> Iterator[list[Answer]]:
        for query, passages in groups:
            read = tuple(passage.passage_id for passage in passages)
            yield [Answer(self.name, query.query_id, read, f"answer{self.settings.constant}")]


def read_toys(source: Source) -> Collection:
    """Read ids of queries, one a line."""
    return Collection(queries=tuple(Query(line, "a toy query") for line in source.path.read_text().splitlines()))


def write_toys(store: Store, path: Path, settings: ExportSettings) -> dict[str, int]:
    """Write ids of queries, one a line."""
    queries = views.queries(store, settings.split)
    path.write_text("".join(f"{query.query_id}\n" for query in queries))
    return {"rows": len(queries)}


def add_members() -> None:
    """Add one member to each family, at the one place where its members are."""
    TEACHERS["toy_teacher"] = TeacherKind("the same for all", f"{__name__}:ToyTeacher", f"{__name__}:ToySettings")
    READERS["toy_reader"] = ReaderKind("the same for all", f"{__name__}:ToyReader", f"{__name__}:ToySettings")
    LOSSES["toy_loss"] = Loss(kl, "what the toy loss rewards", "Toy et al., 2026")
    METHODS["toy_method"] = METHODS["full"]._replace(about="what the toy method trains")
    FORMATS["toy_format"] = Format("ids of toys", read_toys, write_toys, ("split",), "dev", (".toys",))
    line = Threshold("toy_line", 2, "rank", "Toy line", "the last rank that the toy rule looks at.", low=1)
    query = "select query_id, passage_id, 'a toy reason', 0.5 from pair where after <= $toy_line"
    RULES["toy rule"] = Rule("What the toy rule finds.", (line,), query)


def in_the_shell(folder: Path) -> None:
    """Print what the shell says of the members and does with them."""
    add_members()
    from tests.shell import worked

    store, student = collection(folder / "ws"), base(folder / "base")
    worked("candidates", "--student", student, "--depth", 2, workspace=store.path)
    worked("evaluate", student, workspace=store.path)
    read = ("read", student, "--reader", "toy_reader", "--set", "constant=2", "--depth", 1, "--json")
    quick = ("--steps", 2, "--evaluate-every", 1, "--batch-size", 2, "--name", "mine")
    score = ("score", "--teacher", "toy_teacher", "--set", "constant=2", "--json")
    cases = ("cases", student, "--teacher", "toy", "--rule", "toy rule", "--json")
    results: dict[str, Any] = {
        "help": {verb: worked(verb, "--help").out for verb in VERBS},
        "score": worked(*score, workspace=store.path).json,
        "read": worked(*read, workspace=store.path).json,
        "teachers": worked("info", "--json", workspace=store.path).json["teachers"],
        "train": worked(
            "train", student, "--teacher", "toy", "--loss", "toy_loss", "--method", "toy_method", *quick, "--json",
            workspace=store.path,
        ).json,
        "export": worked("export", "toy_format", folder / "ids.toys", "--json", workspace=store.path).json,
        "ingest": worked("ingest", "toy_format", folder / "ids.toys", "--json", workspace=folder / "other").json,
        "cases": [worked(*cases, *more, workspace=store.path).json for more in ((), ("--set", "toy_line=1"))],
    }  # fmt: skip
    print(json.dumps(results))


def test_the_shell_offers_and_uses_new_members(tmp_path: Path) -> None:
    results = json.loads(children.call(in_the_shell, tmp_path).checked())
    helps = {verb: " ".join(text.replace("│", " ").split()) for verb, text in results["help"].items()}
    assert "toy_teacher" in helps["score"]
    assert "constant" in helps["score"]
    assert "toy_reader" in helps["read"]
    assert results["read"][0]["measures"]["F1(toy_reader-1)@1"]["mean"] == 1 / TOPICS  # of the topic "answer2" alone
    assert "toy_loss" in helps["train"]
    assert "toy_method" in helps["train"]
    assert "toy rule" in helps["cases"]
    assert "toy_line=2" in helps["cases"]
    assert "toy_format" in helps["ingest"]
    assert "toy_format: ids of toys" in helps["export"]
    assert results["export"]["rows"] == results["ingest"]["added"]["queries"] == TOPICS
    assert results["score"]["failures"] == 0 < results["score"]["pairs"]
    assert ["toy_teacher:1", "grade"] in [[row["teacher"], row["unit"]] for row in results["teachers"]]
    assert results["train"]["student"] == "mine"
    usual, strict = results["cases"]
    assert {case["after"] for case in usual} == {1, 2}
    assert {case["after"] for case in strict} == {1}
    assert all("a toy reason" in case["why"] for case in usual)


def on_the_pages(folder: Path) -> None:
    """Print what the pages offer of the members."""
    add_members()
    from streamlit.testing.v1 import AppTest

    from tests.shell import worked
    from tests.ui.pages import text_of

    store, student = collection(folder / "ws"), base(folder / "base")
    worked("evaluate", student, workspace=store.path)
    worked("score", "--teacher", "toy_teacher", workspace=store.path)
    os.environ["WORKBENCH_WORKSPACE"] = str(store.path)

    def opened(page: str, **params: str) -> AppTest:
        at = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
        for name, value in params.items():
            at.query_params[name] = value
        at.switch_page(f"pages/{page}.py").run()
        assert not at.exception, at.exception[0].message
        return at

    train, annotate = opened("train"), opened("annotate", student=student, teacher="toy", rule="toy rule")
    options = [
        str(option)
        for at in (train, annotate)
        for element in (*at.selectbox, *at.segmented_control, *at.radio, *at.pills)
        for option in element.options
    ]
    print(
        json.dumps(
            {
                "options": options,
                "inputs": [box.label for box in annotate.number_input],
                "annotate": text_of(annotate),
            }
        )
    )


def test_the_pages_offer_new_members(tmp_path: Path) -> None:
    shown = json.loads(children.call(on_the_pages, tmp_path).checked().splitlines()[-1])
    for member in ("toy_teacher:1", "toy_loss", "toy_method"):
        assert any(member in option for option in shown["options"]), member
    assert any("toy rule" in option for option in shown["options"])
    assert "Toy line" in shown["inputs"]
    assert "What the toy rule finds." in shown["annotate"]


def in_the_documents() -> None:
    """Print which tests of the documents fail for want of a line on the members."""
    add_members()
    from tests import test_docs
    from tests.losses import test_registry
    from workbench.ui.shell import navigation

    navigation.PAGES = (*navigation.PAGES, navigation.Page("toy", "Toy", ":material/toys:", "What does a toy show?"))
    checks = [
        test_docs.test_the_readme_has_every_teacher,
        test_docs.test_the_readme_has_every_reader,
        test_docs.test_the_readme_has_every_method,
        test_docs.test_the_readme_has_every_page,
        test_docs.test_the_readme_has_every_format,
        test_docs.test_the_page_on_exports_has_every_kind_and_every_setting,
        partial(test_registry.test_the_documentation_has_the_line_of_each_loss, "toy_loss"),
    ]
    for check in checks:
        with pytest.raises(AssertionError):
            check()
        print("missed")


def test_a_member_without_its_line_in_the_documents_is_missed() -> None:
    assert len(children.call(in_the_documents).checked().splitlines()) == 7
