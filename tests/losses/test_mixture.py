"""Sums of losses: read as they are written, added up, and refused with what is wrong."""

import pickle

import pytest
import torch

from tests.losses.drawn import AT_ONE, STUDENT, TEACHER
from workbench.errors import BadSetting, UnknownName
from workbench.losses import LOSSES, Mixture, loss
from workbench.losses.divergences import kl
from workbench.trainer import TrainSettings

NEGATIVES = torch.tensor([[0.4, float("-inf")]])


def value(spec):
    return loss(spec)(STUDENT, TEACHER, NEGATIVES, **AT_ONE).item()


def test_a_name_alone_is_the_plain_function():
    assert loss("kl") is kl


@pytest.mark.parametrize(
    ("spec", "weights"),
    [
        ("kl + js", {"kl": 1, "js": 1}),
        ("utility_infonce + 0.2*infonce", {"utility_infonce": 1, "infonce": 0.2}),
        (" kl*2+js * .5 + ranknet", {"kl": 2, "js": 0.5, "ranknet": 1}),
        ("2*(kl + 3*(js + listmle))", {"kl": 2, "js": 6, "listmle": 6}),
        ("kl() + kl", {"kl": 2}),
    ],
)
def test_a_sum_is_what_its_terms_add_up_to(spec, weights):
    assert value(spec) == pytest.approx(sum(weight * value(name) for name, weight in weights.items()), rel=1e-6)


def test_options_reach_the_loss():
    wanted = loss("lambda_loss")(STUDENT, TEACHER, None, levels=3, mu=10, **AT_ONE)
    assert loss("lambda_loss(levels=3, mu=10)")(STUDENT, TEACHER, None, **AT_ONE) == wanted
    assert value("multi_similarity(centre=-0.2)") != value("multi_similarity")


def test_a_sum_has_the_gradient_of_its_terms_and_can_be_sent_elsewhere():
    similarities = STUDENT.clone().requires_grad_()
    mixed = pickle.loads(pickle.dumps(loss("kl + 3*js")))
    assert isinstance(mixed, Mixture)
    mixed(similarities, TEACHER, None, **AT_ONE).backward()
    apart = [
        torch.autograd.grad(loss(name)(again, TEACHER, None, **AT_ONE), again)[0]
        for name in ("kl", "js")
        for again in [STUDENT.clone().requires_grad_()]
    ]
    torch.testing.assert_close(similarities.grad, apart[0] + 3 * apart[1])


@pytest.mark.parametrize("spec", ["hinge", "kl + hinge", "0.5*hinge(alpha=1)"])
def test_an_unknown_name_says_which_there_are(spec):
    with pytest.raises(UnknownName, match=r"hinge.*utility_infonce.*multi_similarity"):
        loss(spec)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "cannot be read"),
        ("kl +", "cannot be read"),
        ("\0", "cannot be read"),
        ("(" * 300 + "kl" + ")" * 300, "500|cannot be read"),
        ("+kl" * 1_000, "3,000 characters"),
        ("kl - js", "kl - js"),
        ("kl ** 2", r"kl \*\* 2"),
        ("2*3*kl", r"2 \* 3"),
        ("kl*js", r"kl \* js"),
        ("3", "'3'"),
        ("0*kl", "weight 0 "),
        ("True*kl", "weight True"),
        ("1e999*kl", "no number above 0"),
        ("-1*kl", "-1"),
        ("kl(0.6)", "kl"),
        ("__import__('os').system('x')", "__import__"),
        ("infonce(**alpha)", "Options are numbers"),
        ("infonce(alpha='a')", "Options are numbers"),
        ("infonce(alpha=0.5, alpha=0.6)", "twice"),
        ("infonce(beta=0.6)", "no option 'beta'.*alpha"),
        ("kl(alpha=0.6)", "no option 'alpha'.*none"),
        ("kl(student_temperature=2)", "no option 'student_temperature'"),
        ("infonce(alpha=1.5)", "alpha of the loss infonce is 1.5.*from 0 to 1"),
        ("infonce(alpha=-0.5)", "-0.5"),
        ("lambda_loss(levels=2.5)", "whole number from 2 to 10"),
        ("policy_gradient(samples=1)", "whole number from 2"),
    ],
)
def test_what_is_wrong_is_named(spec, message):
    with pytest.raises(BadSetting, match=message):
        loss(spec)


@pytest.mark.parametrize("name", LOSSES)
def test_every_option_can_be_written(name):
    options = {key: value for key, value in (loss(name).__kwdefaults__ or {}).items() if "temperature" not in key}
    # None stands for an option that is not used; every such is a share.
    written = ", ".join(f"{key}={0.6 if value is None else value}" for key, value in options.items())
    assert isinstance(loss(f"{name}({written})"), Mixture)


def test_settings_take_a_sum_and_refuse_a_wrong_one():
    assert TrainSettings(loss="kl + 0.5*js").loss == "kl + 0.5*js"
    with pytest.raises(UnknownName, match="hinge"):
        TrainSettings(loss="kl + 0.5*hinge")
