"""How alike rankings are: two runs (rank_similarities), or a teacher and a student on the passages that both know."""

from workbench.evaluation.displacement import Displacement, displacements, overall_direction
from workbench.evaluation.divergences import jensen_shannon, kl, probabilities, standardised
from workbench.evaluation.rank_correlation import PERSISTENCE, Valued, jaccard, kendall, rbo, spearman, tau_ap
from workbench.evaluation.rank_similarity import NAMES, RANK_SIMILARITIES, RankSimilarity, find_rank_similarity
from workbench.evaluation.teacher_agreement import (
    STUDENT_TEMPERATURE,
    TEACHER_AGREEMENTS,
    TeacherAgreementMeasure,
    Temperatures,
    agreements,
)

__all__ = [
    "NAMES",
    "PERSISTENCE",
    "RANK_SIMILARITIES",
    "STUDENT_TEMPERATURE",
    "TEACHER_AGREEMENTS",
    "Displacement",
    "RankSimilarity",
    "TeacherAgreementMeasure",
    "Temperatures",
    "Valued",
    "agreements",
    "displacements",
    "find_rank_similarity",
    "jaccard",
    "jensen_shannon",
    "kendall",
    "kl",
    "overall_direction",
    "probabilities",
    "rbo",
    "spearman",
    "standardised",
    "tau_ap",
]
