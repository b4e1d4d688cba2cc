"""How alike rankings are: two runs (contrasts), or a teacher and a student on the passages that both know."""

from workbench.agreement.contrasts import CONTRASTS, NAMES, Contrast, find_contrast
from workbench.agreement.distributions import jensen_shannon, kl, probabilities, standardised
from workbench.agreement.orders import PERSISTENCE, Valued, jaccard, kendall, rbo, spearman, tau_ap
from workbench.agreement.pulls import Pull, pulled, pulls
from workbench.agreement.teaching import KINDS, STUDENT_TEMPERATURE, Kind, Temperatures, agreements

__all__ = [
    "CONTRASTS",
    "KINDS",
    "NAMES",
    "PERSISTENCE",
    "STUDENT_TEMPERATURE",
    "Contrast",
    "Kind",
    "Pull",
    "Temperatures",
    "Valued",
    "agreements",
    "find_contrast",
    "jaccard",
    "jensen_shannon",
    "kendall",
    "kl",
    "probabilities",
    "pulled",
    "pulls",
    "rbo",
    "spearman",
    "standardised",
    "tau_ap",
]
