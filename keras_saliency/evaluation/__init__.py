"""The saliency benchmark's metrics, exact, in float64 NumPy.

Every metric takes its maps by keyword and returns one number per image.
`METRICS` lists them with what they need; `SEVEN` names those of the paper.
"""

from typing import NamedTuple

from keras_saliency.evaluation.auc import auc_borji, auc_judd, auc_shuffled
from keras_saliency.evaluation.distribution import cc, kl_divergence, sim
from keras_saliency.evaluation.emd import emd
from keras_saliency.evaluation.location import information_gain, nss


class Metric(NamedTuple):
    """A metric and what other code has to know of it."""

    function: callable
    needs: tuple
    higher_is_better: bool
    title: str


METRICS = {
    "cc": Metric(cc, ("density",), True, "CC"),
    "sim": Metric(sim, ("density",), True, "SIM"),
    "auc_judd": Metric(auc_judd, ("fixations",), True, "AUC-Judd"),
    "auc_borji": Metric(auc_borji, ("fixations",), True, "AUC-Borji"),
    "nss": Metric(nss, ("fixations",), True, "NSS"),
    "emd": Metric(emd, ("density",), False, "EMD"),
    "kl": Metric(kl_divergence, ("density",), False, "KL"),
    "auc_shuffled": Metric(
        auc_shuffled, ("fixations", "other_fixations"), True, "sAUC"
    ),
    "information_gain": Metric(
        information_gain, ("fixations", "baseline"), True, "IG"
    ),
}

# The metrics of the paper's tables, in their order.
SEVEN = ("cc", "sim", "auc_judd", "auc_borji", "nss", "emd", "kl")

__all__ = [
    "METRICS",
    "SEVEN",
    "Metric",
    "auc_borji",
    "auc_judd",
    "auc_shuffled",
    "cc",
    "emd",
    "information_gain",
    "kl_divergence",
    "nss",
    "sim",
]
