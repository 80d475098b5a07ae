"""Figures of a report, as SVG in the page."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from keras_saliency._utils.html import text
from keras_saliency._utils.types import Array

_BINS = 24
# In the units of the figure: about pixels.
_WIDTH, _ROW, _HEIGHT = 300, 62, 34


class Mean(NamedTuple):
    """A mean and the ends of its interval; NaN where there is none."""

    value: float
    low: float
    high: float


def histograms(
    values: Mapping[str, Array], means: Mapping[str, Mean], title: str
) -> str:
    """Return histograms of the same bins, one below the other.

    Args:
        values: Dictionary of a name per histogram and its values, `(N,)`.
        means: Mean of each, drawn as a line on the band of its interval.
        title: What the values are.

    Returns:
        SVG. Its title says in words what is drawn.
    """
    known = {n: v[np.isfinite(v)] for n, v in values.items()}
    all_ = np.concatenate(list(known.values()))
    if not all_.size:
        return "<p>No image has a finite value.</p>"
    low, high = float(all_.min()), float(all_.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    counts = {
        name: np.histogram(each, _BINS, (low, high))[0]
        for name, each in known.items()
    }
    most = max(int(count.max()) for count in counts.values()) or 1
    total = _ROW * len(known) + 18
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {total}" role="img">'
        f"<title>{text(_in_words(known, means, title))}</title>"
    ]
    for row, (name, count) in enumerate(counts.items()):
        base = _ROW * row + 18 + _HEIGHT
        parts.append(
            f'<text x="0" y="{base - _HEIGHT - 6}">{text(name)}</text>'
        )
        width = _WIDTH / _BINS
        for i in np.flatnonzero(count).tolist():
            tall = _HEIGHT * int(count[i]) / most
            parts.append(
                f'<rect class="bars" x="{i * width + 0.5:.1f}" '
                f'y="{base - tall:.1f}" width="{width - 1:.1f}" '
                f'height="{tall:.1f}"/>'
            )
        parts.append(
            f'<path class="axis" d="M0 {base}H{_WIDTH}"/>'
            + _marked(means[name], low, high, base)
        )
    parts.append(
        f'<text class="faint" x="0" y="{total - 4}">{low:.3g}</text>'
        f'<text class="faint" x="{_WIDTH}" y="{total - 4}" '
        f'text-anchor="end">{high:.3g}</text></svg>'
    )
    return "".join(parts)


def interval(mean: Mean, reach: float) -> str:
    """Return a mean difference with its interval, zero in the middle.

    Args:
        mean: The difference.
        reach: What lies at both ends of the figure.

    Returns:
        SVG that says nothing: the numbers stand beside it.
    """
    if not np.isfinite([*mean, reach]).all() or reach <= 0:
        return ""

    def place(value: float) -> float:
        return round(60 + 56 * value / reach, 1)

    return (
        '<svg viewBox="0 0 120 16" width="120" height="16" '
        'aria-hidden="true"><path class="axis" d="M60 0V16"/>'
        f'<path class="mark" d="M{place(mean.low)} 8H{place(mean.high)}"/>'
        f'<circle class="mark" cx="{place(mean.value)}" cy="8" r="4"/></svg>'
    )


def _marked(mean: Mean, low: float, high: float, base: int) -> str:
    def place(value: float) -> float:
        return round(_WIDTH * (value - low) / (high - low), 1)

    top, drawn = base - _HEIGHT - 2, ""
    if np.isfinite([mean.low, mean.high]).all():
        x = place(mean.low)
        drawn = (
            f'<rect class="band" x="{x}" y="{top}" '
            f'width="{place(mean.high) - x:.1f}" height="{base - top}"/>'
        )
    if np.isfinite(mean.value):
        x = place(mean.value)
        drawn += f'<path class="mark" d="M{x} {base}V{top}"/>'
    return drawn


def _in_words(
    values: Mapping[str, Array], means: Mapping[str, Mean], title: str
) -> str:
    said = [
        f"{name}: mean {means[name].value:.3f}, half of the images from "
        f"{np.quantile(each, 0.25):.3f} to {np.quantile(each, 0.75):.3f}"
        for name, each in values.items()
        if each.size
    ]
    return f"{title} of each image. " + "; ".join(said)
