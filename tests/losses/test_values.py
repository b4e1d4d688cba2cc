"""Values from elsewhere: worked by hand or by a reference (METHODS), sentence-transformers' own losses, scipy."""

from itertools import permutations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy, wasserstein_distance
from sentence_transformers.cross_encoder import losses as pairwise
from sentence_transformers.sentence_transformer import losses as twofold
from torch import nn

from tests.losses.drawn import AT_ONE, STUDENT, TEACHER, given, temperatures
from workbench.losses import LOSSES, loss
from workbench.losses.gains import grades, one_minus_ndcg, swap_losses
from workbench.losses.pool import contrastive_terms, sort_by_utility

GOLDEN = {
    "utility_infonce": 1.142594,  # without negatives ListNet's
    "utility_infonce_b(share=0.3)": 0.787768,  # positives are the first two
    "utility_infonce_c": 0.870856,  # FlagEmbedding's m3_kd
    "utility_infonce_d(share=0.3)": 0.500262,  # positives are the first two
    "infonce": 0.903448,
    "kl": 0.195058,
    "reverse_kl": 0.251314,
    "js": 0.053320,
    "listnet": 1.142594,
    "listmle": 2.358518,
    "p_listmle": 0.904286,
    "pld": 0.870856,
    "contrastive_partial_ranking(hard=2)": 0.993709,
    "margin_mse": 1.963333,
    "ranknet": 0.479836,
    "lambda_loss": 0.520427,
    "approx_ndcg": 0.291301,
    "wasserstein": 0.603146,
    "sinkhorn(iterations=200)": 0.059152,
    "bce": 0.653443,
    "multi_similarity(share=0.3)": 0.606479,  # positives are the first two
}
# By chance, so near the expectation over all 24 rankings.
EXPECTED = {"policy_gradient(samples=10000)": 0.182582}
# Grades are what allRank made of the example's utilities.
ALLRANK = torch.tensor([[2.0, 1.0, 0.0, 0.0]])


@pytest.mark.parametrize(("spec", "value"), GOLDEN.items())
def test_golden_values(spec, value):
    assert loss(spec)(STUDENT, TEACHER, None, **AT_ONE).item() == pytest.approx(value, abs=2e-6)


@pytest.mark.parametrize(("spec", "value"), EXPECTED.items())
def test_golden_values_of_expectations(spec, value):
    torch.manual_seed(0)
    assert loss(spec)(STUDENT, TEACHER, None, **AT_ONE).item() == pytest.approx(value, abs=0.002)


def test_every_loss_has_a_golden_value():
    assert {spec.partition("(")[0] for spec in (*GOLDEN, *EXPECTED)} == set(LOSSES)


def test_golden_values_of_measures():
    pool = sort_by_utility(STUDENT, TEACHER, 1.0)
    assert swap_losses(pool, ALLRANK, 0.0).item() == pytest.approx(0.622070, abs=1e-6)
    assert swap_losses(pool, ALLRANK, 10.0).item() == pytest.approx(5.464127, abs=5e-6)
    assert one_minus_ndcg(pool, ALLRANK).item() == pytest.approx(1 - 0.675375, abs=1e-6)


def test_golden_values_of_listmle_s_terms():
    pool = sort_by_utility(STUDENT, TEACHER, 1.0)
    terms = contrastive_terms(pool, pool.less_useful, None, 1.0)
    assert terms[0].tolist() == pytest.approx([0.903448, 1.083969, 0.371101, 0.0], abs=1e-6)
    # Weights of 15, 7, 3 and 1 as sentence-transformers once had them; the paper's are 7, 3, 1 and 0 of 11.
    assert (terms @ torch.tensor([15.0, 7.0, 3.0, 1.0])).item() == pytest.approx(22.252810, abs=1e-5)
    wanted = (terms @ torch.tensor([7.0, 3.0, 1.0, 0.0])).item() / 11
    assert loss("p_listmle")(STUDENT, TEACHER, None, **AT_ONE).item() == pytest.approx(wanted, abs=1e-6)


def test_the_squared_temperature_of_sentence_transformers_makes_its_kl():
    at_two = {"teacher_temperature": 2.0, "student_temperature": 2.0}
    assert 4 * loss("kl")(STUDENT, TEACHER, None, **at_two).item() == pytest.approx(0.273431, abs=1e-6)


class Echo(nn.Module):
    """A cross-encoder whose logit of a pair is the number in the passage."""

    num_labels, device = 1, torch.device("cpu")

    def preprocess(self, pairs, **_):
        """Read the numbers."""
        return {"logits": torch.tensor([float(passage) for _, passage in pairs])}

    def forward(self, features):
        """Return them."""
        return {"scores": features["logits"]}


@pytest.mark.parametrize(
    ("name", "reference", "times"),
    [
        ("listnet", pairwise.ListNetLoss(Echo()), 1),
        ("listmle", pairwise.ListMLELoss(Echo(), respect_input_order=False), 1),
        ("p_listmle", pairwise.PListMLELoss(Echo(), respect_input_order=False), 1),
        ("ranknet", pairwise.RankNetLoss(Echo(), reduction_log="natural"), 1),
        # the mean over 6 pairs there, the sum here
        ("lambda_loss", pairwise.LambdaLoss(Echo(), weighting_scheme=pairwise.LambdaRankScheme()), 6),
        ("lambda_loss(mu=10)", pairwise.LambdaLoss(Echo()), 6),
    ],
)
def test_sentence_transformers_cross_encoder_losses_agree(name, reference, times):
    random = np.random.default_rng(5)
    for _ in range(10):
        similarities = torch.tensor(random.normal(size=(1, 4)), dtype=torch.float32)
        # Grades of 0 to 3, each once: what utilities become for nDCG.
        utilities = torch.tensor(random.permutation(4.0 * np.arange(4) / 4)[None], dtype=torch.float32)
        passages = [[f"{similarity:.9g}" for similarity in similarities[0].tolist()]]
        wanted = reference([["q"], passages], [utilities[0]]).item() * times
        assert loss(name)(similarities, utilities, None, **AT_ONE).item() == pytest.approx(wanted, rel=1e-5)


def vectors(similarities):
    """Return unit vectors of a query and of passages that have these cosines to it."""
    query = torch.tensor([[1.0, 0.0]])
    return [query, *(torch.tensor([[cosine, (1 - cosine**2) ** 0.5]]) for cosine in similarities[0].tolist())]


def test_sentence_transformers_bi_encoder_losses_agree():
    embeddings = vectors(STUDENT)
    kl = twofold.DistillKLDivLoss(Echo(), student_temperature=0.5, teacher_temperature=2.0)
    ours = loss("kl")(STUDENT, TEACHER, None, teacher_temperature=2.0, student_temperature=0.5)
    assert ours.item() * 0.5**2 == pytest.approx(kl.compute_loss_from_embeddings(embeddings, TEACHER).item(), rel=1e-5)
    margins = twofold.MarginMSELoss(Echo()).compute_loss_from_embeddings(embeddings, TEACHER)
    assert loss("margin_mse")(STUDENT, TEACHER, None, **AT_ONE).item() == pytest.approx(margins.item(), rel=1e-5)
    ranking = twofold.MultipleNegativesRankingLoss(Echo(), scale=2.0).compute_loss_from_embeddings(embeddings, None)
    ours = loss("infonce")(STUDENT, TEACHER, None, teacher_temperature=1.0, student_temperature=0.5)
    assert ours.item() == pytest.approx(ranking.item(), rel=1e-5)


def test_torch_s_binary_cross_entropy_agrees():
    wanted = nn.BCELoss()(((STUDENT - 0.3) / 0.2).sigmoid(), (TEACHER / 2).sigmoid())
    wanted = wanted + nn.BCELoss()(((torch.tensor([0.1, 0.6]) - 0.3) / 0.2).sigmoid(), torch.zeros(2))
    ours = loss("bce(centre=0.3)")(
        STUDENT, TEACHER, torch.tensor([[0.1, 0.6]]), teacher_temperature=2.0, student_temperature=0.2
    )
    assert ours.item() == pytest.approx(wanted.item(), rel=1e-5)


def test_scipy_s_divergences_and_distances_agree():
    for seed in range(10):
        random = np.random.default_rng(seed)
        similarities, utilities = random.normal(size=(2, 1, 6))
        utilities[0, 0] = utilities[0, 1]
        p, q = (np.exp(x) / np.exp(x).sum() for x in (utilities[0] / 0.7, similarities[0] / 0.4))
        batch = [torch.tensor(x, dtype=torch.float32) for x in (similarities, utilities)]
        levels, place = np.unique(utilities[0], return_inverse=True)
        wanted = {
            "kl": entropy(p, q),
            "reverse_kl": entropy(q, p),
            "js": jensenshannon(p, q) ** 2,
            "wasserstein": wasserstein_distance(utilities[0] / 0.7, utilities[0] / 0.7, p, q),
            "sinkhorn(iterations=200)": _divergence_of_sinkhorn(place / (len(levels) - 1), p, q),
        }
        for name, value in wanted.items():
            ours = loss(name)(*batch, None, teacher_temperature=0.7, student_temperature=0.4)
            assert ours.item() == pytest.approx(value, rel=1e-3, abs=1e-6), name


def _divergence_of_sinkhorn(places, p, q, blur=0.1):
    """Return Feydy's divergence by Sinkhorn's own scaling of a matrix, in doubles, to convergence."""
    cost = (places[:, None] - places[None, :]) ** 2

    def transport(a, b):
        kernel, left = np.exp(-cost / blur), np.ones_like(a)
        for _ in range(5_000):
            right = b / (kernel.T @ left)
            left = a / (kernel @ right)
        plan = left[:, None] * kernel * right[None, :]
        return (plan * cost).sum() + blur * (plan * np.log(plan / np.outer(a, b))).sum()

    return transport(p, q) - (transport(p, p) + transport(q, q)) / 2


@given(temperatures)
def test_wasserstein_bounds_the_utility_that_is_lost(at):
    lost = (
        TEACHER
        @ ((TEACHER / at["teacher_temperature"]).softmax(1) - (STUDENT / at["student_temperature"]).softmax(1)).T
    )
    value = loss("wasserstein")(STUDENT, TEACHER, None, **at).item()
    assert value >= lost.abs().item() / at["teacher_temperature"] - 1e-5


def test_the_policy_gradient_is_that_of_the_expected_ndcg():
    similarities = torch.tensor([[0.1, 0.4, 0.2]], requires_grad=True)
    utilities, negatives = torch.tensor([[1.0, 0.0, 2.0]]), torch.tensor([[0.3]], requires_grad=True)
    at = {"teacher_temperature": 0.5, "student_temperature": 0.4}
    gains = torch.cat([(utilities[0] / 0.5).softmax(0), torch.zeros(1)])
    discount = 1 / torch.arange(2, 6).log2()
    ideal = (gains.sort(descending=True).values * discount).sum()
    logits, expected = torch.cat([similarities[0], negatives[0]]) / 0.4, torch.zeros(())
    for order in permutations(range(4)):
        chance = torch.ones(())
        for place in range(4):
            chance = chance * logits[list(order[place:])].softmax(0)[0]
        expected = expected + chance * (gains[list(order)] * discount).sum() / ideal
    wanted = torch.autograd.grad(1 - expected, [similarities, negatives])
    torch.manual_seed(3)
    value = loss("policy_gradient(samples=10000)")(similarities, utilities, negatives, **at)
    assert value.item() == pytest.approx(1 - expected.item(), abs=0.005)
    for ours, exact in zip(torch.autograd.grad(value, [similarities, negatives]), wanted, strict=True):
        torch.testing.assert_close(ours, exact, atol=0.02, rtol=0)


def test_the_same_random_state_draws_the_same_rankings():
    values = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        values.append(loss("policy_gradient")(STUDENT, TEACHER, None, **AT_ONE).item())
    assert values[0] == values[1] != values[2]


def test_grades_go_by_order_and_come_out_as_they_are():
    rows = torch.tensor([[3.0, 2.0, 1.0, 0.0], [0.9, 0.9, -5.0, -7.0], [4.0, 4.0, 4.0, 4.0], [1.0, 0.0, -9e9, -9e9]])
    rows[3, 2:] = float("-inf")
    levels = grades(sort_by_utility(torch.zeros(4, 4), rows, 1.0), 4)
    assert levels.tolist() == [[3, 2, 1, 0], [3, 3, 2, 0], [0, 0, 0, 0], [3, 0, 0, 0]]
