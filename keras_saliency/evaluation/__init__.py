"""The saliency benchmark's metrics, exact, in float64 NumPy.

Every metric takes its maps by keyword and returns one number per image.
`METRICS` lists them with what they need; `SEVEN` names those of the paper.
They are grouped as in the benchmark's literature: distribution-based (CC, SIM,
KL, EMD) and location-based (NSS, information gain, the AUCs); `functional` and
`losses` have the paper's families instead. `evaluate` scores a model on a data
set, `compare` compares two of its results, and `report` writes them as a page.
"""

from keras_saliency.evaluation.auc import auc, auc_borji, auc_judd, auc_shuffled
from keras_saliency.evaluation.benchmarks import (
    BENCHMARKS,
    Benchmark,
    benchmark,
)
from keras_saliency.evaluation.compare import Comparison, compare
from keras_saliency.evaluation.distribution import cc, kl_divergence, sim
from keras_saliency.evaluation.emd import emd
from keras_saliency.evaluation.evaluate import evaluate
from keras_saliency.evaluation.limits import center_bias, inter_observer
from keras_saliency.evaluation.location import information_gain, nss
from keras_saliency.evaluation.report import report
from keras_saliency.evaluation.results import Evaluation
from keras_saliency.evaluation.scores import (
    METRICS,
    SEVEN,
    Metric,
    choose,
    score,
)

__all__ = [
    "BENCHMARKS",
    "Benchmark",
    "METRICS",
    "SEVEN",
    "Comparison",
    "Evaluation",
    "Metric",
    "auc",
    "auc_borji",
    "auc_judd",
    "auc_shuffled",
    "benchmark",
    "cc",
    "center_bias",
    "choose",
    "compare",
    "emd",
    "evaluate",
    "information_gain",
    "inter_observer",
    "kl_divergence",
    "nss",
    "report",
    "score",
    "sim",
]
