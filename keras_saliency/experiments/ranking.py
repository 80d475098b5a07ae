"""Which rows of a table differ, with images and seeds drawn by chance."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from keras_saliency import evaluation
from keras_saliency._utils.types import Array, ArrayLike
from keras_saliency.evaluation import scores
from keras_saliency.evaluation._statistics import holm
from keras_saliency.experiments.aligned import aligned, same_seeds


class Place(NamedTuple):
    """A row by one metric: its mean and rank with their 95 % intervals.

    Rows of the same mean have the same rank, the better one.
    """

    row: str
    mean: float
    low: float
    high: float
    rank: int
    rank_low: int
    rank_high: int


class Difference(NamedTuple):
    """The first of two rows minus the second, by one metric.

    `low` and `high` are the ends of the 95 % interval; `p_value` is corrected
    for the number of comparisons.
    """

    first: float
    second: float
    difference: float
    low: float
    high: float
    p_value: float


class Ranking:
    """All rows of one data set, ranked by each metric and compared in pairs.

    Means, their differences and ranks get bootstrap intervals: images and
    seeds are drawn with replacement, the same draws for all rows, because rows
    share their images and, with a seed, initial weights and order of batches.
    With one seed the draws are of images alone.

    P-values are those of `pairwise_tests`, corrected by Holm's method
    over all pairs of rows and all metrics.

    Args:
        results: Name of a row -> one `Evaluation` per seed, all of the same
            images, in any order, and with as many seeds. An image without a
            value (NaN) in one is left out of that metric for all.
        resamples: Number of draws.
        seed: Seed of the draws.
        significant: Corrected p-value below which two rows differ.

    Attributes:
        images: Number of images.
        seeds: Number of seeds.
        metrics: Names of the metrics.
        counted: Metric -> number of images of which all rows have a value.
        places: Metric -> the `Place`s of all rows, the best first.

    Raises:
        ValueError: If there is no row, rows have other metrics, images or
            numbers of seeds, a value is infinite, or less than two images have
            a value in all rows.
    """

    def __init__(
        self,
        results: Mapping[str, Sequence[evaluation.Evaluation]],
        *,
        resamples: int = 2000,
        seed: int = 0,
        significant: float = 0.05,
    ) -> None:
        results = aligned(results)
        self.seeds = same_seeds(results)
        self.rows = list(results)
        first = results[self.rows[0]][0]
        self.images = len(first)
        self.metrics = list(first.scores)
        self.significant = significant
        self.counted: dict[str, int] = {}
        self.places: dict[str, list[Place]] = {}
        self._means: dict[str, Array] = {}
        self._draws: dict[str, Array] = {}
        p_values: dict[tuple[str, int, int], float] = {}
        for metric in self.metrics:
            values = self._values(results, metric)
            self.counted[metric] = values.shape[2]
            self._means[metric] = values.mean(axis=(1, 2))
            self._draws[metric] = draw_means(
                values, resamples=resamples, seed=seed
            )
            self.places[metric] = self._ranked(metric)
            tests = pairwise_tests(values)
            for i in range(len(self.rows)):
                for j in range(i):
                    p_values[metric, i, j] = float(tests[i, j])
        self._p_values = holm(p_values)

    def _values(
        self,
        results: Mapping[str, Sequence[evaluation.Evaluation]],
        metric: str,
    ) -> Array:
        """Return `(rows, seeds, images)` of the images with all values."""
        values = np.array(
            [[run.scores[metric] for run in results[r]] for r in self.rows]
        )
        for row, of_row in zip(self.rows, values, strict=True):
            if np.isinf(of_row).any():
                raise ValueError(
                    f"row {row!r} has an infinite {metric} of an image, whose "
                    "mean ranks nothing; leave out that metric, row or image"
                )
        known = ~np.isnan(values)
        both = known.all(axis=(0, 1))
        if both.sum() < 2:
            counts = dict(
                zip(self.rows, known.all(axis=1).sum(axis=1), strict=True)
            )
            row = min(counts, key=counts.__getitem__)
            raise ValueError(
                f"{both.sum()} images have a value of {metric} in all rows, "
                f"and two are needed; row {row!r} has {counts[row]} of "
                f"{self.images}"
            )
        return values[:, :, both]

    def _ranked(self, metric: str) -> list[Place]:
        sign = 1 if scores.lower_is_better(metric) else -1
        means, draws = sign * self._means[metric], sign * self._draws[metric]
        # Equal rows may differ by rounding in their draws.
        rounding = 1e-12 * np.abs(draws).max()
        best = np.array([1 + (draws < d - rounding).sum(axis=0) for d in draws])
        worst = np.array([(draws <= d + rounding).sum(axis=0) for d in draws])
        (rank_low, _), (_, rank_high) = (
            np.percentile(ranks, [2.5, 97.5], axis=1, method="nearest")
            for ranks in (best, worst)
        )
        low, high = np.percentile(self._draws[metric], [2.5, 97.5], axis=1)
        return [
            Place(
                self.rows[i],
                float(self._means[metric][i]),
                float(low[i]),
                float(high[i]),
                1 + int((means < means[i]).sum()),
                int(rank_low[i]),
                int(rank_high[i]),
            )
            for i in np.argsort(means, kind="stable").tolist()
        ]

    def compare(self, first: str, second: str, metric: str) -> Difference:
        """Return the difference of two rows by a metric.

        Args:
            first: Name of a row.
            second: Name of another row.
            metric: Name of a metric.

        Raises:
            ValueError: If there is no such row or metric, or both rows are one.
        """
        for name, known in (
            (first, self.rows),
            (second, self.rows),
            (metric, self.metrics),
        ):
            if name not in known:
                raise ValueError(
                    f"there is no {name!r}; choose from {', '.join(known)}"
                )
        if first == second:
            raise ValueError(f"{first!r} cannot be compared with itself")
        i, j = self.rows.index(first), self.rows.index(second)
        means, draws = self._means[metric], self._draws[metric]
        low, high = np.percentile(draws[i] - draws[j], [2.5, 97.5])
        return Difference(
            float(means[i]),
            float(means[j]),
            float(means[i] - means[j]),
            float(low),
            float(high),
            self._p_values[metric, max(i, j), min(i, j)],
        )

    def differ(self, first: str, second: str, metric: str) -> bool:
        """Return whether two rows differ by a metric."""
        p_value = self.compare(first, second, metric).p_value
        return p_value < self.significant

    def alike(self, metric: str) -> list[str]:
        """Return the rows that do not differ from the best, the best first."""
        best, *others = (place.row for place in self.places[metric])
        return [best, *(r for r in others if not self.differ(best, r, metric))]

    def groups(self, metric: str) -> list[list[str]]:
        """Return the longest runs of the ranking in which no two rows differ.

        They are the bars of a critical-difference diagram; a row may be in
        several.
        """
        order = [place.row for place in self.places[metric]]
        groups: list[list[str]] = []
        end = 0
        for start in range(len(order)):
            stop = start + 1
            while stop < len(order) and not any(
                self.differ(row, order[stop], metric)
                for row in order[start:stop]
            ):
                stop += 1
            if stop > max(end, start + 1):
                groups.append(order[start:stop])
            end = max(end, stop)
        return groups


def draw_means(values: ArrayLike, *, resamples: int, seed: int) -> Array:
    """Return means over images and seeds drawn with replacement.

    The draws are those of `interval`, and the same for all rows.

    Args:
        values: Array `(rows, seeds, images)`, without NaN.
        resamples: Number of draws.
        seed: Seed of the draws.

    Returns:
        Array `(rows, resamples)`.
    """
    table: Array = np.asarray(values, np.float64)
    _, seeds, images = table.shape
    rng = np.random.default_rng(seed)
    of_seeds = np.empty((resamples, seeds))
    of_images = np.empty((resamples, images))
    for k in range(resamples):
        for weights, count in ((of_seeds, seeds), (of_images, images)):
            drawn = rng.integers(count, size=count)
            weights[k] = np.bincount(drawn, minlength=count) / count
    return np.einsum("ks,rsk->rk", of_seeds, table @ of_images.T)


def pairwise_tests(values: ArrayLike) -> Array:
    """Return the p-value of each two rows having the same mean.

    Images and seeds are crossed random effects, as cases and readers are in
    studies of radiologists (Dorfman, Berbaum and Metz 1992; Hillis 2007): the
    variance of a mean difference has a part from images and one from seeds,
    less what both share. The part from a few seeds is itself known badly, so
    it is moderated by those of all pairs (Smyth 2004). The whole is taken as
    no smaller than the part from images, and compared with Student's t of
    Satterthwaite's degrees of freedom. With one seed this is the paired t test
    over images. With several it is approximate, and finds somewhat too much
    where rows differ widely in how much their seeds do.

    Args:
        values: Array `(rows, seeds, images)` of two images or more, all
            finite.

    Returns:
        Array `(rows, rows)` of two-sided p-values, not corrected; 1 where two
        rows are equal.
    """
    from scipy.special import stdtr  # SciPy takes long to import

    table: Array = np.asarray(values, np.float64)
    rows, seeds, images = table.shape
    first, second = np.tril_indices(rows, -1)
    difference = table[first] - table[second]
    mean = difference.mean(axis=(1, 2))
    over_images = difference.mean(axis=1)
    of_images = over_images.var(axis=1, ddof=1) / images
    parts = [(of_images, float(images - 1))]
    if seeds > 1:
        over_seeds = difference.mean(axis=2)
        of_seeds, freedom = moderated(over_seeds.var(axis=1, ddof=1), seeds - 1)
        rest = difference - over_images[:, None] - over_seeds[..., None]
        rest += mean[:, None, None]
        count = (seeds - 1) * (images - 1)
        shared = (rest**2).sum(axis=(1, 2)) / count / (seeds * images)
        beyond = np.maximum(of_seeds / seeds - shared, 0)
        parts.append((beyond, freedom))
    variance = np.sum([part for part, _ in parts], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedoms = variance**2 / np.sum([p**2 / n for p, n in parts], axis=0)
        p = 2 * stdtr(freedoms, -np.abs(mean) / np.sqrt(variance))
    p = np.where(variance > 0, p, np.where(mean == 0, 1.0, 0.0))
    found = np.ones((rows, rows))
    found[first, second] = found[second, first] = p
    return found


def moderated(variances: Array, freedom: int) -> tuple[Array, float]:
    """Return variances drawn towards what is usual, by empirical Bayes.

    Each is averaged with a prior variance, weighted by degrees of freedom;
    the prior and its degrees of freedom are estimated from the spread of all
    (Smyth, Linear models and empirical Bayes methods, 2004, section 6.2).

    Args:
        variances: Array of sample variances. Those of 0 tell nothing of the
            prior.
        freedom: Degrees of freedom of each.

    Returns:
        The moderated variances and their degrees of freedom, infinite where
        the variances spread no more than chance has it.
    """
    from scipy.optimize import brentq
    from scipy.special import digamma, polygamma

    known = variances[variances > 0]
    if known.size < 2:
        return variances, float(freedom)
    half = freedom / 2
    logs = np.log(known) - digamma(half) + np.log(half)
    spread = logs.var(ddof=1) - polygamma(1, half)
    if spread <= polygamma(1, 1e6):
        return np.full_like(variances, np.exp(logs.mean())), np.inf
    prior = brentq(lambda x: polygamma(1, x) - spread, 1e-6, 1e6)
    usual = np.exp(logs.mean() + digamma(prior) - np.log(prior))
    prior *= 2
    total = prior + freedom
    return (prior * usual + freedom * variances) / total, float(total)
