"""What every loss keeps to: a new one is tested by being in the table, and says what holds for it in FACTS."""

from typing import NamedTuple

import pytest
import torch
from hypothesis import strategies as st

from tests.losses.drawn import ABSENT, AT_ONE, STUDENT, TEACHER, batches, given, temperatures
from workbench.errors import UnknownName
from workbench.losses import LOSSES, loss


class Facts(NamedTuple):
    """What holds for a loss beyond what holds for all."""

    negatives: bool = False  # they change the value
    zero: bool = False  # the same distributions, or margins, cost nothing
    graded: bool = False  # it matters by how much utilities differ, not only their order
    moved_utilities: bool = True  # a constant added to all utilities changes nothing
    moved_cosines: bool = True  # a constant added to all similarities and negatives changes nothing
    by_chance: bool = False  # it draws random numbers, one for each place in the batch


FACTS = {
    "utility_infonce": Facts(negatives=True, graded=True),
    "utility_infonce_b": Facts(negatives=True, graded=True),
    "utility_infonce_c": Facts(negatives=True, graded=True),
    "utility_infonce_d": Facts(negatives=True, graded=True),
    "infonce": Facts(negatives=True),
    "kl": Facts(zero=True, graded=True),
    "reverse_kl": Facts(zero=True, graded=True),
    "js": Facts(zero=True, graded=True),
    "listnet": Facts(graded=True),
    "listmle": Facts(),
    "p_listmle": Facts(),
    "pld": Facts(graded=True),
    "contrastive_partial_ranking": Facts(negatives=True),
    "margin_mse": Facts(zero=True, graded=True),
    "ranknet": Facts(),
    "lambda_loss": Facts(),
    "approx_ndcg": Facts(),
    "policy_gradient": Facts(negatives=True, graded=True, by_chance=True),
    "wasserstein": Facts(zero=True, graded=True),
    "sinkhorn": Facts(zero=True, graded=True),
    "bce": Facts(negatives=True, graded=True, moved_utilities=False, moved_cosines=False),
    "multi_similarity": Facts(negatives=True, graded=True, moved_cosines=False),
}


def losses_with(**fact):
    """Draw a loss for which all these facts hold."""
    return st.sampled_from([name for name, facts in FACTS.items() if fact.items() <= facts._asdict().items()])


every_loss = losses_with()


def value(name, batch, at):
    """Calculate a loss, always with the same random numbers."""
    torch.manual_seed(0)
    return loss(name)(*batch, **at)


def test_the_table_here_is_the_table_there():
    assert set(FACTS) == set(LOSSES)
    assert len({entry.meaning for entry in LOSSES.values()}) == len(LOSSES)
    with pytest.raises(UnknownName, match="hinge"):
        loss("hinge")


@given(batches(), temperatures, losses_with(by_chance=False), st.randoms(use_true_random=False))
def test_the_order_of_candidates_changes_nothing(batch, at, name, random):
    similarities, utilities, negatives = batch
    # In steps of 1/4, so that there are ties in both.
    similarities, utilities = (similarities * 4).round() / 4, (utilities * 4).round() / 4
    order = random.sample(range(utilities.shape[1]), utilities.shape[1])
    moved = value(name, (similarities[:, order], utilities[:, order], negatives), at)
    torch.testing.assert_close(moved, value(name, (similarities, utilities, negatives), at), rtol=1e-4, atol=1e-4)


@given(batches(), temperatures, every_loss, st.floats(-1.0, 1.0))
def test_a_candidate_that_is_not_there_changes_nothing(batch, at, name, similarity):
    similarities, utilities, negatives = batch
    wider = torch.cat([torch.full((len(similarities), 1), similarity), similarities], dim=1)
    padded = torch.cat([torch.full((len(utilities), 1), ABSENT), utilities], dim=1)
    moved = value(name, (wider, padded, negatives), at)
    torch.testing.assert_close(moved, value(name, batch, at), rtol=1e-4, atol=1e-4)


@given(batches(), temperatures, losses_with(by_chance=False))
def test_a_masked_negative_changes_nothing(batch, at, name):
    similarities, utilities, negatives = batch
    masked = torch.full((len(similarities), 2), ABSENT)
    wider = masked if negatives is None else torch.cat([masked, negatives], dim=1)
    moved = value(name, (similarities, utilities, wider), at)
    torch.testing.assert_close(moved, value(name, batch, at), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", LOSSES)
def test_negatives_count_where_they_are_said_to(name):
    without = value(name, (STUDENT, TEACHER, None), AT_ONE)
    negatives = torch.tensor([[0.8, 0.95, 0.7, ABSENT]])
    assert (value(name, (STUDENT, TEACHER, negatives), AT_ONE) != without).item() == FACTS[name].negatives


@pytest.mark.parametrize("name", LOSSES)
def test_how_far_utilities_are_apart_counts_where_it_is_said_to(name):
    # The best and the second nearly alike, then far apart, in the same order.
    near, far = torch.tensor([[2.0, 1.9, 0.0, -1.0]]), torch.tensor([[9.0, 1.0, 0.5, -1.0]])
    values = [value(name, (STUDENT, utilities, torch.tensor([[0.3]])), AT_ONE) for utilities in (near, far)]
    assert (values[0] != values[1]).item() == FACTS[name].graded


@given(batches(), temperatures, losses_with(moved_utilities=True), st.integers(-400, 400))
def test_a_constant_added_to_all_utilities_changes_nothing(batch, at, name, eighths):
    similarities, utilities, negatives = batch
    # In steps of 1/8, so that ties stay ties after the shift.
    utilities = (utilities * 8).round() / 8
    moved = value(name, (similarities, utilities + eighths / 8, negatives), at)
    torch.testing.assert_close(moved, value(name, (similarities, utilities, negatives), at), rtol=1e-3, atol=1e-3)


@given(batches(), temperatures, losses_with(moved_cosines=True), st.integers(-16, 16))
def test_a_constant_added_to_all_cosines_changes_nothing(batch, at, name, eighths):
    similarities, utilities, negatives = batch
    similarities = (similarities * 8).round() / 8
    negatives = None if negatives is None else (negatives * 8).round() / 8
    moved = value(
        name, (similarities + eighths / 8, utilities, None if negatives is None else negatives + eighths / 8), at
    )
    torch.testing.assert_close(moved, value(name, (similarities, utilities, negatives), at), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", [name for name, facts in FACTS.items() if not facts.moved_utilities])
def test_where_utilities_have_their_zero_counts_where_it_is_said_to(name):
    assert value(name, (STUDENT, TEACHER, None), AT_ONE) != value(name, (STUDENT, TEACHER + 1, None), AT_ONE)


@pytest.mark.parametrize("name", [name for name, facts in FACTS.items() if not facts.moved_cosines])
def test_where_cosines_have_their_zero_counts_where_it_is_said_to(name):
    assert value(name, (STUDENT, TEACHER, None), AT_ONE) != value(name, (STUDENT + 1, TEACHER, None), AT_ONE)


@given(batches(), temperatures, every_loss)
def test_no_loss_is_ever_negative(batch, at, name):
    assert value(name, batch, at).item() >= -1e-5


@given(batches(), temperatures, losses_with(zero=True))
def test_agreement_costs_nothing(batch, at, name):
    _, utilities, _ = batch
    agreeing = utilities.masked_fill(utilities == ABSENT, 0.0) * at["student_temperature"] / at["teacher_temperature"]
    assert value(name, (agreeing, utilities, None), at).item() == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize("name", [name for name, facts in FACTS.items() if facts.zero])
def test_disagreement_costs_something(name):
    assert value(name, (STUDENT, TEACHER, None), AT_ONE).item() > 0.001


@given(batches(utility=1e6), temperatures, every_loss)
def test_gradients_are_finite_with_masks_and_huge_utilities(batch, at, name):
    similarities, utilities, negatives = batch
    similarities.requires_grad_()
    if negatives is not None:
        negatives.requires_grad_()
    total = value(name, batch, at)
    total.backward()
    assert total.isfinite()
    assert similarities.grad.isfinite().all()
    assert similarities.grad[utilities == ABSENT].eq(0).all()
    assert negatives is None or negatives.grad is None or negatives.grad.isfinite().all()


@given(st.integers(1, 5), temperatures, every_loss)
def test_gradients_are_finite_where_all_is_equal(width, at, name):
    similarities = torch.full((2, width), 0.3, requires_grad=True)
    value(name, (similarities, torch.zeros(2, width), None), at).backward()
    assert similarities.grad.isfinite().all()


@pytest.mark.parametrize("name", LOSSES)
def test_following_the_gradient_puts_the_best_first(name):
    utilities = torch.tensor([[0.5, 3.0, -1.0, 1.0, 2.0]])
    similarities = torch.tensor([[0.4, 0.0, 0.9, 0.3, 0.1]], requires_grad=True)
    negatives = torch.tensor([[0.8, 0.2]], requires_grad=True)
    at = {"teacher_temperature": 0.5, "student_temperature": 0.2}
    torch.manual_seed(0)
    before = value(name, (similarities, utilities, negatives), at).item()
    optimizer = torch.optim.Adam([similarities, negatives], lr=0.02)
    for _ in range(150):
        optimizer.zero_grad()
        loss(name)(similarities, utilities, negatives, **at).backward()
        optimizer.step()
    assert value(name, (similarities, utilities, negatives), at).item() < before
    assert similarities.argmax().item() == 1
    if FACTS[name].negatives:
        assert similarities[0, 1] > negatives.max()


@pytest.mark.parametrize("name", LOSSES)
def test_halves_and_autocast_are_calculated_in_float32(name):
    at = {"teacher_temperature": 0.1, "student_temperature": 0.01}
    whole = value(name, (STUDENT.half().float(), TEACHER, None), at)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = value(name, (STUDENT.half(), TEACHER.half(), None), at)
    assert half.dtype == torch.float32
    assert half.item() == pytest.approx(whole.item(), rel=1e-6)


@pytest.mark.parametrize("bad", [[ABSENT, ABSENT], [1.0, float("nan")], [1.0, float("inf")]])
@pytest.mark.parametrize("name", LOSSES)
def test_utilities_that_are_none_are_refused(name, bad):
    with pytest.raises(ValueError, match=r"utility"):
        loss(name)(torch.zeros(1, 2), torch.tensor([bad]), None, **AT_ONE)
