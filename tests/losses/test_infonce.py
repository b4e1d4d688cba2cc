"""Readings of Utility-Modulated InfoNCE, and the plain one: positives, negatives, ties and what is left out."""

import pytest
import torch

from tests.losses.drawn import ABSENT, AT_ONE, STUDENT, TEACHER, batches, given, temperatures
from workbench.losses import loss, teacher_distribution
from workbench.losses.divergences import kl
from workbench.losses.infonce import infonce, utility_infonce


def test_negatives_take_the_student_s_mass():
    negatives = torch.tensor([[0.4, ABSENT]])
    z = torch.cat([STUDENT, torch.tensor([[0.4]])], dim=1).logsumexp(dim=1)
    soft = -(TEACHER.softmax(1) * (STUDENT - z)).sum()
    assert utility_infonce(STUDENT, TEACHER, negatives, **AT_ONE).item() == pytest.approx(soft.item(), abs=1e-6)
    assert infonce(STUDENT, TEACHER, negatives, **AT_ONE).item() == pytest.approx((z - 0.9).item(), abs=1e-6)
    assert kl(STUDENT, TEACHER, negatives, **AT_ONE) == kl(STUDENT, TEACHER, None, **AT_ONE)


def test_candidates_tied_for_the_best_are_not_negatives_of_each_other():
    utilities = torch.tensor([[2.0, 2.0, 0.0]])
    similarities = torch.tensor([[0.9, 0.2, 0.5]])
    terms = [-torch.tensor([[s, 0.5]]).log_softmax(1)[0, 0].item() for s in (0.9, 0.2)]
    assert infonce(similarities, utilities, None, **AT_ONE).item() == pytest.approx(sum(terms) / 2, abs=1e-6)


@given(batches(), temperatures)
def test_the_gradient_for_a_logit_is_q_minus_p(batch, at):
    similarities, utilities, negatives = batch
    similarities.requires_grad_()
    (utility_infonce(similarities, utilities, negatives, **at) * len(utilities)).backward()
    there = utilities > ABSENT
    logits = (similarities / at["student_temperature"]).masked_fill(~there, ABSENT)
    if negatives is not None:
        logits = torch.cat([logits, negatives / at["student_temperature"]], dim=1)
    q = logits.softmax(dim=1)[:, : utilities.shape[1]]
    p = (utilities / at["teacher_temperature"]).softmax(dim=1)
    torch.testing.assert_close(similarities.grad * at["student_temperature"], q - p, rtol=1e-3, atol=1e-4)


def test_the_teacher_gives_nothing_to_who_is_not_there():
    p = teacher_distribution(torch.tensor([[1.0, ABSENT, 1.0]]), 0.5)
    assert p.tolist() == [[0.5, 0.0, 0.5]]


def test_b_weighs_each_positive_against_what_is_none():
    negatives = torch.tensor([[0.4]])
    weights = torch.tensor([2.0, 1.0]).softmax(0).tolist()
    terms = [-torch.tensor([s, 0.5, -0.3, 0.4]).log_softmax(0)[0].item() for s in (0.9, 0.2)]
    value = loss("utility_infonce_b(share=0.3)")(STUDENT, TEACHER, negatives, **AT_ONE).item()
    assert value == pytest.approx(sum(w * t for w, t in zip(weights, terms, strict=True)), abs=1e-6)


def test_b_with_all_as_positives_learns_only_from_negatives():
    everyone = loss("utility_infonce_b(share=0)")
    assert everyone(STUDENT, TEACHER, None, **AT_ONE).item() == 0
    terms = [-torch.tensor([s, 0.4]).log_softmax(0)[0] for s in STUDENT[0].tolist()]
    wanted = (TEACHER.softmax(1)[0] * torch.stack(terms)).sum().item()
    assert everyone(STUDENT, TEACHER, torch.tensor([[0.4]]), **AT_ONE).item() == pytest.approx(wanted, abs=1e-6)


def test_c_keeps_negatives_in_every_term():
    terms = [-torch.tensor([*STUDENT[0].tolist()[k:], 0.4]).log_softmax(0)[0] for k in range(4)]
    wanted = (TEACHER.softmax(1)[0] * torch.stack(terms)).sum().item()
    value = loss("utility_infonce_c")(STUDENT, TEACHER, torch.tensor([[0.4]]), **AT_ONE).item()
    assert value == pytest.approx(wanted, abs=1e-6)


def test_d_does_not_care_which_positive_it_is():
    utilities = torch.tensor([[2.0, 2.0, 0.0]])
    one, other = (
        loss("utility_infonce_d")(torch.tensor([s]), utilities, torch.tensor([[0.1]]), **AT_ONE).item()
        for s in ([0.9, 0.1, 0.5], [0.1, 0.9, 0.5])
    )
    q = torch.tensor([0.9, 0.1, 0.5, 0.1]).softmax(0)
    assert one == pytest.approx(other) == pytest.approx(-(q[0] + q[1]).log().item(), abs=1e-6)


def test_alpha_leaves_out_what_the_teacher_takes_for_false_negatives():
    similarities, utilities = torch.tensor([[0.9, 0.2, 0.5, 0.3]]), torch.tensor([[2.0, 1.3, 1.2, -1.0]])
    wanted = -torch.tensor([0.9, 0.5, 0.3]).log_softmax(0)[0].item()  # 1.3 is above 0.6 * 2, 1.2 is not
    assert loss("infonce(alpha=0.6)")(similarities, utilities, None, **AT_ONE).item() == pytest.approx(wanted, abs=1e-6)
    below = utilities - 3  # no utility above 0, so nothing is known to help, and nothing is left out
    plain = loss("infonce")(similarities, utilities, None, **AT_ONE)
    assert loss("infonce(alpha=0.6)")(similarities, below, None, **AT_ONE) == plain


def test_partial_ranking_teaches_the_first_few_and_ignores_the_order_of_the_rest():
    two = loss("contrastive_partial_ranking(hard=2)")
    negatives = torch.tensor([[0.4]])
    terms = [-torch.tensor([*STUDENT[0].tolist()[k:], 0.4]).log_softmax(0)[0].item() for k in range(2)]
    assert two(STUDENT, TEACHER, negatives, **AT_ONE).item() == pytest.approx(sum(terms) / 2, abs=1e-6)
    swapped = torch.tensor([[2.0, 1.0, -1.0, 0.0]])
    assert two(STUDENT, swapped, negatives, **AT_ONE).item() == pytest.approx(sum(terms) / 2, abs=1e-6)
