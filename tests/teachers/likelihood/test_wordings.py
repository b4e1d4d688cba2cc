"""The query's likelihood, and the mean over several wordings of a prompt, against plain forwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.teachers import models
from tests.teachers.likelihood.test_teacher import OIL, QUERY, SEA, naive, prepared, scored
from workbench.errors import BadSetting
from workbench.records import Failure, Group, Query, Utility
from workbench.teachers import needs_answers, teacher
from workbench.teachers.likelihood.teacher import QueryLikelihood
from workbench.teachers.prompts import TEMPLATES, Template

LONG_TAIL = Template("tail", "{content}\n\nQuestion: {query}\nAnswer", "Question: {query}\nAnswer", answer=": {answer}")


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.write(tmp_path_factory.mktemp("models") / "llama")


def utility(row: object) -> Utility:
    assert isinstance(row, Utility)
    return row


def test_the_query_likelihood_is_that_of_the_query_after_the_passage(llama: Path) -> None:
    asking = teacher("query_likelihood", model=llama, dtype="float32", device="cpu")
    assert isinstance(asking, QueryLikelihood)
    assert not needs_answers(asking)
    asking.prepare()
    assert asking.name.startswith("query_likelihood:llama-")
    without_answers = Query("q", "What raised the price of oil?", ())
    rows = scored(asking, [Group(without_answers, (OIL, SEA)), Group(Query("blank", " "), (OIL,))])
    after = "Please write a question{}.\nQuestion:"
    alone = naive(llama, after.format(""), " What raised the price of oil?")
    for passage in (OIL, SEA):
        one = utility(rows["q", passage.passage_id])
        (likelihood,) = one.answers
        prompt = f"Passage: {passage.content} {after.format(' based on this passage')}"
        with_passage = naive(llama, prompt, " What raised the price of oil?")
        assert likelihood.with_passage == pytest.approx(with_passage, abs=1e-4, rel=0)
        assert likelihood.without_passage == pytest.approx(alone, abs=1e-4, rel=0)
        assert one.value == pytest.approx((with_passage - alone) / likelihood.tokens, abs=1e-4)
    failure = rows["blank", "oil"]
    assert isinstance(failure, Failure)
    assert "no text" in failure.reason


@pytest.mark.parametrize(
    ("kind", "template"), [("likelihood", "write-question"), ("query_likelihood", "plain,context")]
)
def test_a_template_that_scores_something_else_is_refused(kind: str, template: str) -> None:
    with pytest.raises(BadSetting, match="Templates that do: "):
        teacher(kind, model="x/y", template=template)


def test_several_templates_give_the_mean_of_their_likelihoods_per_token(llama: Path) -> None:
    groups = [Group(QUERY, (OIL, SEA))]
    wordings = [TEMPLATES["plain"], TEMPLATES["context"], LONG_TAIL]
    each_alone = [scored(prepared(llama, template=template), groups) for template in wordings]
    together = prepared(llama, template=wordings)
    assert "plain+context+tail-" in together.name
    for pair, row in scored(together, groups).items():
        rows = [utility(one[pair]) for one in each_alone]
        for at, likelihood in enumerate(utility(row).answers):
            tokens = [one.answers[at].tokens for one in rows]
            assert tokens[2] == tokens[0] + 1, "this wording scores a colon too"
            assert likelihood.tokens == tokens[0]
            for name in ("with_passage", "without_passage"):
                per_token = [getattr(one.answers[at], name) / one.answers[at].tokens for one in rows]
                assert getattr(likelihood, name) == pytest.approx(sum(per_token) / 3 * tokens[0], abs=1e-4)


def test_a_pair_that_one_template_has_no_room_for_has_failed_once(llama: Path) -> None:
    wordy = Template("wordy", "{content} " + "Read well. " * 30 + "{query} A:", "{query} A:")
    rows = scored(prepared(llama, template=[TEMPLATES["plain"], wordy], max_tokens=60), [Group(QUERY, (OIL, SEA))])
    assert all(isinstance(row, Failure) and "no room" in row.reason for row in rows.values())


def test_the_name_follows_every_template(llama: Path) -> None:
    names = {
        prepared(llama, template=several).name for several in ("plain", "plain,context", "context,plain", "context")
    }
    assert len(names) == 4
