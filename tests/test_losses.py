"""Losses: golden values, what they do not depend on, and gradients that stay finite."""

import pytest
import torch
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from workbench.errors import UnknownName
from workbench.losses import LOSSES, infonce, kl, loss, pull, teacher_distribution, utility_infonce

AT_ONE = {"teacher_temperature": 1.0, "student_temperature": 1.0}
ABSENT = float("-inf")
TEACHER, STUDENT = torch.tensor([[2.0, 1.0, 0.0, -1.0]]), torch.tensor([[0.9, 0.2, 0.5, -0.3]])


def given(*strategies):
    """Draw without a deadline: torch's first call is slow, and so is a busy machine."""
    return lambda test: settings(deadline=None)(drawn(*strategies)(test))


every_loss = st.sampled_from(list(LOSSES.values()))
temperatures = st.fixed_dictionaries(
    {"teacher_temperature": st.floats(0.05, 5.0), "student_temperature": st.floats(0.02, 2.0)}
)


@st.composite
def batches(draw, utility=5.0):
    """Draw similarities and utilities (B, K) and negatives (B, M); the first candidate is always there."""
    rows, candidates, others = draw(st.integers(1, 3)), draw(st.integers(1, 6)), draw(st.integers(0, 4))

    def matrix(bound, width, absent_from):
        values = [draw(st.floats(-bound, bound, width=32)) for _ in range(rows * width)]
        table = torch.tensor(values).reshape(rows, width)
        masked = torch.tensor([draw(st.booleans()) for _ in range(rows * width)], dtype=torch.bool)
        masked = masked.reshape(rows, width)
        masked[:, :absent_from] = False
        return table.masked_fill(masked, ABSENT)

    negatives = matrix(1.0, others, 0) if others else None
    return matrix(1.0, candidates, candidates), matrix(utility, candidates, 1), negatives


@pytest.mark.parametrize(("name", "value"), [("utility_infonce", 1.142594), ("kl", 0.195058), ("infonce", 0.903448)])
def test_golden_values(name, value):
    assert loss(name)(STUDENT, TEACHER, None, **AT_ONE).item() == pytest.approx(value, abs=1e-6)


def test_an_unknown_name_says_which_there_are():
    with pytest.raises(UnknownName, match="utility_infonce"):
        loss("hinge")


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


@given(batches(), temperatures, every_loss, st.floats(-50.0, 50.0))
def test_a_constant_added_to_all_utilities_changes_nothing(batch, at, calculate, shift):
    similarities, utilities, negatives = batch
    # In steps of 1/8, so that ties stay ties after the shift.
    utilities, shift = (utilities * 8).round() / 8, round(shift * 8) / 8
    moved = calculate(similarities, utilities + shift, negatives, **at)
    torch.testing.assert_close(moved, calculate(similarities, utilities, negatives, **at), rtol=1e-3, atol=1e-3)


@given(batches(), temperatures, every_loss, st.randoms(use_true_random=False))
def test_the_order_of_candidates_changes_nothing(batch, at, calculate, random):
    similarities, utilities, negatives = batch
    order = random.sample(range(utilities.shape[1]), utilities.shape[1])
    moved = calculate(similarities[:, order], utilities[:, order], negatives, **at)
    torch.testing.assert_close(moved, calculate(similarities, utilities, negatives, **at), rtol=1e-4, atol=1e-4)


@given(batches(), temperatures, every_loss, st.floats(-1.0, 1.0))
def test_a_candidate_that_is_not_there_changes_nothing(batch, at, calculate, similarity):
    similarities, utilities, negatives = batch
    wider = torch.cat([similarities, torch.full((len(similarities), 1), similarity)], dim=1)
    padded = torch.cat([utilities, torch.full((len(utilities), 1), ABSENT)], dim=1)
    moved = calculate(wider, padded, negatives, **at)
    torch.testing.assert_close(moved, calculate(similarities, utilities, negatives, **at), rtol=1e-4, atol=1e-4)


@given(batches(utility=1e6), temperatures, every_loss)
def test_gradients_are_finite_with_masks_and_huge_utilities(batch, at, calculate):
    similarities, utilities, negatives = batch
    similarities.requires_grad_()
    if negatives is not None:
        negatives.requires_grad_()
    value = calculate(similarities, utilities, negatives, **at)
    value.backward()
    assert value.isfinite()
    assert similarities.grad.isfinite().all()
    assert similarities.grad[utilities == ABSENT].eq(0).all()
    assert negatives is None or negatives.grad is None or negatives.grad.isfinite().all()


@given(st.integers(1, 5), temperatures, every_loss)
def test_gradients_are_finite_where_all_is_equal(width, at, calculate):
    similarities = torch.full((2, width), 0.3, requires_grad=True)
    calculate(similarities, torch.zeros(2, width), None, **at).backward()
    assert similarities.grad.isfinite().all()


@given(batches(), temperatures)
def test_kl_is_never_negative_and_agreement_costs_nothing(batch, at):
    similarities, utilities, _ = batch
    assert kl(similarities, utilities, None, **at).item() >= -1e-5
    agreeing = utilities.masked_fill(utilities == ABSENT, 0.0) * at["student_temperature"] / at["teacher_temperature"]
    assert kl(agreeing, utilities, None, **at).item() == pytest.approx(0.0, abs=1e-4)


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


@pytest.mark.parametrize("calculate", LOSSES.values())
def test_halves_and_autocast_are_calculated_in_float32(calculate):
    whole = calculate(STUDENT.half().float(), TEACHER, None, teacher_temperature=0.1, student_temperature=0.01)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = calculate(STUDENT.half(), TEACHER.half(), None, teacher_temperature=0.1, student_temperature=0.01)
    assert half.dtype == torch.float32
    assert half.item() == pytest.approx(whole.item(), rel=1e-6)


@pytest.mark.parametrize("bad", [[ABSENT, ABSENT], [1.0, float("nan")], [1.0, float("inf")]])
@pytest.mark.parametrize("calculate", LOSSES.values())
def test_utilities_that_are_none_are_refused(calculate, bad):
    with pytest.raises(ValueError, match=r"utility"):
        calculate(torch.zeros(1, 2), torch.tensor([bad]), None, **AT_ONE)


def test_the_teacher_gives_nothing_to_who_is_not_there():
    p = teacher_distribution(torch.tensor([[1.0, ABSENT, 1.0]]), 0.5)
    assert p.tolist() == [[0.5, 0.0, 0.5]]


def test_the_pull_is_torch_s_cosine_embedding_loss_whatever_the_lengths():
    vectors, anchors = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(1))
    expected = torch.nn.functional.cosine_embedding_loss(vectors, anchors, torch.ones(5))
    assert pull(7 * vectors, anchors).item() == pytest.approx(expected.item(), abs=1e-6)
    assert pull(2 * anchors, anchors).item() == pytest.approx(0.0, abs=1e-6)
