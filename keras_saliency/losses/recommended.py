"""Which loss trained the best network by a metric: what was measured."""

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

_FILE = Path(__file__).with_name("recommended.json")


class MeasuredLoss(NamedTuple):
    """A loss by one metric.

    Attributes:
        name: Name for `losses.get`.
        mean: Mean of the metric.
        low: Lower end of its 95 % interval.
        high: Upper end of it.
        rank: Place by the mean; 1 is the best.
        rank_low: Lower end of the 95 % interval of the rank.
        rank_high: Upper end of it.
        p_value: Of no difference from the best row, corrected for all
            comparisons; 1 for the best row itself.
    """

    name: str
    mean: float
    low: float
    high: float
    rank: int
    rank_low: int
    rank_high: int
    p_value: float


@dataclass(frozen=True)
class Recommendation:
    """What `recommended` returns.

    Attributes:
        metric: Name of the metric.
        dataset: Name of the data set that it was measured on.
        images: Number of its images.
        seeds: Number of trainings of each loss.
        rows: All losses, the best first.
        alike: Names of the losses that are not distinguishable from the best
            (corrected p-value not below 0.05), which is not among them.
        source: How and where the numbers were measured.
    """

    metric: str
    dataset: str
    images: int
    seeds: int
    rows: tuple[MeasuredLoss, ...]
    alike: tuple[str, ...]
    source: str

    @property
    def best(self) -> str:
        """Name of the best loss, for `losses.get`."""
        return self.rows[0].name

    def __str__(self) -> str:
        best = self.rows[0]
        others = ", ".join(self.alike) or "none"
        return (
            f"{self.metric} on {self.dataset}: {best.name}, {best.mean:.4f} "
            f"[{best.low:.4f} {best.high:.4f}]. Not distinguishable from it: "
            f"{others}. {self.images} images, {self.seeds} "
            f"seed{'' if self.seeds == 1 else 's'}. {self.source}"
        )


def recommended(metric: str, dataset: str = "MIT1003") -> Recommendation:
    """Return the loss whose network was the best by a metric.

    Every row of the paper's table 2, and the best of the losses that came
    after it, trained the same network on MIT1003's training part by one
    recipe. The numbers hold for that network and data; `docs/which_loss.md`
    shows them all.

    Args:
        metric: "cc", "sim", "auc_judd", "auc_borji", "nss", "emd" or "kl".
        dataset: Where it was measured, in any case: "MIT1003", its test part,
            or "OSIE", "Scene" and "SALICON", which no loss was trained on.

    Returns:
        The best loss, those that are not distinguishable from it, all with
        their numbers, and the source of the numbers.

    Raises:
        ValueError: If the metric or the data set was not measured.

    Examples:
    >>> recommended(metric="nss").best
    'NLL'
    """
    content = _content()
    sets = {name.lower(): name for name in content["sets"]}
    if str(dataset).lower() not in sets:
        raise ValueError(
            f"dataset must be one of {', '.join(sets.values())}; received "
            f"{dataset!r}."
        )
    name = sets[str(dataset).lower()]
    measured = content["sets"][name]
    if metric not in measured["metrics"]:
        raise ValueError(
            f"metric must be one of {', '.join(measured['metrics'])}; received "
            f"{metric!r}."
        )
    rows = tuple(MeasuredLoss(*row) for row in measured["metrics"][metric])
    return Recommendation(
        metric=metric,
        dataset=name,
        images=measured["images"],
        seeds=measured["seeds"],
        rows=rows,
        alike=tuple(
            row.name for row in rows[1:] if not row.p_value < content["level"]
        ),
        source=content["source"],
    )


@functools.cache
def _content() -> dict[str, Any]:
    return json.loads(_FILE.read_text(encoding="utf-8"))
