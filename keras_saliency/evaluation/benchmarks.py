"""The conventions of benchmarks, as named sets of metrics and options."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from keras_saliency.datasets import SaliencyDataset
from keras_saliency.evaluation import scores
from keras_saliency.evaluation.evaluate import evaluate
from keras_saliency.evaluation.results import Evaluation


class Benchmark(NamedTuple):
    """How a benchmark scores maps.

    Attributes:
        name: Its name.
        metrics: Its metrics and their options, as `evaluate` takes them.
        others: Number of other images whose fixations are the negatives of the
            shuffled AUC; `None` for all.
        over_fixations: The metrics whose mean is over the fixations of all
            images, not over the images.
    """

    name: str
    metrics: Mapping[str, Mapping[str, Any]]
    others: int | None
    over_fixations: tuple[str, ...] = ()

    def evaluate(
        self, predictions: Any, dataset: SaliencyDataset, **options: Any
    ) -> Evaluation:
        """Score predictions as the benchmark does.

        Args:
            predictions: As for `evaluate`.
            dataset: The images and their ground truth.
            **options: Further arguments of `evaluate`, such as `baseline`
                and `maps`.

        Returns:
            The values of each image.
        """
        return evaluate(
            predictions,
            dataset,
            metrics=self.metrics,
            others=self.others,
            **options,
        )

    def means(
        self, result: Evaluation, dataset: SaliencyDataset
    ) -> dict[str, float]:
        """Return the means as the benchmark averages.

        Args:
            result: What `evaluate` returned.
            dataset: The same data set, or one that has all of its images.

        Returns:
            Dictionary of metric and mean.

        Raises:
            ValueError: If the data set lacks an image of the result.
        """
        means = result.means()
        places = {name: i for i, name in enumerate(dataset.names)}
        other = [name for name in result.names if name not in places]
        if other:
            raise ValueError(
                f"{len(other)} of the {len(result)} images of the result are "
                f"not in {dataset.name}, such as {other[0]!r}"
            )
        counts = np.array([dataset.count(places[n]) for n in result.names])
        for name in self.over_fixations:
            if name not in result.scores:
                continue
            values = result.scores[name]
            known = ~np.isnan(values)
            if known.any():
                means[name] = float(
                    np.average(values[known], weights=counts[known])
                )
        return means


_EVERY = {"repeats": True}

BENCHMARKS = {
    "mit300-conventions": Benchmark(
        "mit300-conventions",
        {
            "information_gain": {**_EVERY, "minmax": False, "epsilon": 0.0},
            "auc": {},
            "auc_shuffled": {**_EVERY, "step": None},
            "nss": {**_EVERY, "ddof": 0},
            "cc": {},
            "kl": {"epsilon": 2.2204e-16},
            "sim": {"minmax": False},
        },
        others=None,
        over_fixations=("information_gain",),
    ),
    "mit300-2014": Benchmark(
        "mit300-2014",
        {
            name: {}
            for name in (
                "auc_judd",
                "sim",
                "emd",
                "auc_borji",
                "auc_shuffled",
                "cc",
                "nss",
                "kl",
            )
        },
        others=10,
    ),
}


def benchmark(name: str) -> Benchmark:
    """Return the conventions of a benchmark.

    `"mit300-conventions"` are those of the MIT/Tuebingen saliency benchmark
    since 2018: each fixation counts; the AUC is that against all pixels, and
    the shuffled AUC has the fixations of all other images for negatives, all
    values being thresholds; KL has the constant 2.2204e-16; SIM does not move
    maps to [0, 1]; the information gain is a mean over fixations, all else one
    over images. Maps are scored at the size of the images. Density maps are
    blurred by 24 pixels; here the data set's own sigma decides. A map each is
    scored there: `evaluate(density, dataset, maps="per_metric")`.

    `"mit300-2014"` are those before, of the MATLAB code, which are the
    defaults of `METRICS`.

    Args:
        name: A key of `BENCHMARKS`.

    Raises:
        ValueError: If there is no benchmark of this name.

    References:
    - Kuemmerer, Wallis and Bethge, Saliency benchmarking made easy:
      separating models, maps and metrics, ECCV 2018.
    - Bylinskii et al., MIT saliency benchmark, 2014.

    Examples:
    >>> benchmark("mit300-conventions").metrics["sim"]
    {'minmax': False}
    """
    if name not in BENCHMARKS:
        raise ValueError(
            f"there is no benchmark {name!r}; choose from "
            f"{', '.join(BENCHMARKS)}"
        )
    chosen = BENCHMARKS[name]
    given = ("density", "fixations", "other_fixations", "baseline")
    scores.choose(chosen.metrics, given)
    return chosen
