"""The losses by the names the paper gives them; table 2 as data."""

import re
from dataclasses import dataclass
from typing import Any

from keras_saliency._utils.types import ArrayLike, PathName
from keras_saliency.losses.base import CombinedLoss, SaliencyLoss
from keras_saliency.losses.center_bias import CenterBias
from keras_saliency.losses.distribution import (
    BhattacharyyaDistance,
    BinaryCrossEntropy,
    Focal,
    KLDivergence,
    NegativeLogLikelihood,
    WeightedBinaryCrossEntropy,
)
from keras_saliency.losses.perceptual import DeepFeatures, GramMatrices
from keras_saliency.losses.pixel import (
    AbsoluteError,
    ExponentialAbsoluteDifference,
    MeanSquaredError,
    MLNetMeanSquaredError,
    SigmoidMeanSquaredError,
)
from keras_saliency.losses.saliency import (
    CorrelationCoefficient,
    NormalizedScanpathSaliency,
)

LOSSES: dict[str, type[SaliencyLoss]] = {
    "MSE": MeanSquaredError,
    "EAD": ExponentialAbsoluteDifference,
    "AE": AbsoluteError,
    "MLNET-MSE": MLNetMeanSquaredError,
    "SIG-MSE": SigmoidMeanSquaredError,
    "KLD": KLDivergence,
    "BHAT": BhattacharyyaDistance,
    "BCE": BinaryCrossEntropy,
    "W-BCE": WeightedBinaryCrossEntropy,
    "Focal": Focal,
    "NLL": NegativeLogLikelihood,
    "NSS": NormalizedScanpathSaliency,
    "CC": CorrelationCoefficient,
    "DF": DeepFeatures,
    "GM": GramMatrices,
    "R": CenterBias,
}


# `(name in LOSSES, arguments, weight)` of each.
Terms = tuple[tuple[str, dict[str, Any], float], ...]


@dataclass(frozen=True)
class Row:
    """One row of the paper's table 2.

    Attributes:
        name: Name that the table prints.
        group: Heading of the table above it.
        terms: `(name in LOSSES, arguments, weight)` of each term.
    """

    name: str
    group: str
    terms: Terms


_KLD_CC_NSS: Terms = (("KLD", {}, 10), ("CC", {}, 2), ("NSS", {}, 1))
_DF_GM: Terms = (("DF", {}, 1), ("GM", {}, 1))
_SIG_MSE: Terms = (("SIG-MSE", {"threshold": 0.55}, 1),)
_R: Terms = (("R", {}, 1),)

TABLE2 = (
    Row("MSE", "Pixel-based", (("MSE", {}, 1),)),
    Row("EAD", "Pixel-based", (("EAD", {}, 1),)),
    Row("AE", "Pixel-based", (("AE", {}, 1),)),
    Row("MLNET-MSE", "Pixel-based", (("MLNET-MSE", {}, 1),)),
    *(
        Row(
            f"SIG-MSE (lambda={threshold})",
            "Pixel-based",
            (("SIG-MSE", {"threshold": threshold}, 1),),
        )
        for threshold in (0.25, 0.55, 0.75)
    ),
    Row("BCE", "Distribution-based", (("BCE", {}, 1),)),
    *(
        Row(
            f"W-BCE (w={weight})",
            "Distribution-based",
            (("W-BCE", {"weight": weight}, 1),),
        )
        for weight in (0.9, 0.8, 0.7, 0.6, 0.5, 0.4)
    ),
    Row("Focal Loss", "Distribution-based", (("Focal", {}, 1),)),
    Row("KLD", "Distribution-based", (("KLD", {}, 1),)),
    Row("Bhat", "Distribution-based", (("BHAT", {}, 1),)),
    Row("NLL", "Distribution-based", (("NLL", {}, 1),)),
    Row("CC", "Saliency-inspired", (("CC", {}, 1),)),
    Row("NSS", "Saliency-inspired", (("NSS", {}, 1),)),
    Row("Deep Features (DF)", "Perceptual-based", (("DF", {}, 1),)),
    Row("Gram Matrices (GM)", "Perceptual-based", (("GM", {}, 1),)),
    Row("SIG-MSE + R", "Linear combinations", _SIG_MSE + _R),
    Row("KLD + CC + NSS", "Linear combinations", _KLD_CC_NSS),
    Row(
        "KLD + CC + NSS + DF + GM",
        "Linear combinations",
        _KLD_CC_NSS + _DF_GM,
    ),
    Row("KLD + CC + NSS + R", "Linear combinations", _KLD_CC_NSS + _R),
    Row(
        "KLD + CC + NSS + DF + GM + SIG-MSE + R",
        "Linear combinations",
        _KLD_CC_NSS + _DF_GM + _SIG_MSE + _R,
    ),
)

# What the text calls them, and what readers would type.
_ALIASES = {
    "LC1": "KLD + CC + NSS + R",
    "LC2": "KLD + CC + NSS + DF + GM + SIG-MSE + R",
    "W-MSE": "MLNET-MSE",
    "FL": "Focal",
}
# What Keras calls the same measures.
_KERAS_NAMES = {
    "mean_squared_error": "MSE",
    "mean_absolute_error": "AE",
    "mae": "AE",
    "binary_crossentropy": "BCE",
    "kl_divergence": "KLD",
    "kullback_leibler_divergence": "KLD",
}
_ARGUMENTS = {"lambda": "threshold", "k": "slope", "w": "weight"}


def get(
    identifier: str | SaliencyLoss,
    *,
    prior: ArrayLike | None = None,
    vgg_weights: PathName | None = "imagenet",
    feature_dtype: str = "float32",
) -> SaliencyLoss:
    """Return the loss of a name in the paper.

    Names are those of table 2 (`TABLE2`), of single losses (`LOSSES`), `"LC1"`
    and `"LC2"`; upper and lower case and spaces do not matter. Single losses
    take arguments in brackets: `"W-BCE(w=0.7)"`, `"SIG-MSE (lambda=0.25)"`,
    `"Focal(gamma=1)"`, `"KLD(direction=reverse)"`. A combination is named as
    the whole row, with the paper's weights; for others add losses up. Keras'
    names of the same measures are known too (`"mean_squared_error"`, `"mae"`,
    `"binary_crossentropy"`, `"kl_divergence"`).

    Args:
        identifier: A name, or a loss, which is returned as it is.
        prior: Mean density map for the term R, `(height, width)` at the size
            of the network's output. Losses with R need it before their first
            call.
        vgg_weights: For the terms DF and GM: `"imagenet"`, a path, or `None`.
        feature_dtype: For the terms DF and GM: `"float32"` or `"bfloat16"`.

    Returns:
        A `SaliencyLoss`.

    Raises:
        ValueError: If there is no such name or argument.

    Examples:
    >>> get("W-BCE(w=0.7)")
    WeightedBinaryCrossEntropy(weight=0.7)
    >>> get("SIG-MSE + R")
    1.0 * SigmoidMeanSquaredError() + 1.0 * CenterBias()
    """
    if isinstance(identifier, SaliencyLoss):
        return identifier
    if not isinstance(identifier, str):
        raise ValueError(
            f"A loss is named by a string, received {identifier!r}. {_known()}"
        )
    name, arguments = _parse(identifier)
    extra: dict[str, dict[str, Any]] = {
        "R": {"prior": prior},
        "DF": {"weights": vgg_weights, "feature_dtype": feature_dtype},
        "GM": {"weights": vgg_weights, "feature_dtype": feature_dtype},
    }
    rows = {_key(row.name): row for row in TABLE2}
    singles = {_key(single): single for single in LOSSES}
    aliases = {
        _key(alias): _key(full)
        for alias, full in {**_KERAS_NAMES, **_ALIASES}.items()
    }
    whole = aliases.get(_key(identifier), _key(identifier))
    if whole in rows:
        terms = rows[whole].terms
    elif aliases.get(_key(name), _key(name)) in singles:
        single = singles[aliases.get(_key(name), _key(name))]
        terms = ((single, arguments, 1),)
    else:
        raise ValueError(f"There is no loss {identifier!r}. {_known()}")
    built = []
    for term, term_arguments, _ in terms:
        try:
            built.append(
                LOSSES[term](**{**extra.get(term, {}), **term_arguments})
            )
        except TypeError as error:
            raise ValueError(f"{identifier!r}: {error}") from None
    if len(built) == 1:
        return built[0]
    return CombinedLoss(built, weights=[weight for _, _, weight in terms])


def _key(name: str) -> str:
    return re.sub(r"\s", "", name).lower()


def _parse(identifier: str) -> tuple[str, dict[str, Any]]:
    match = re.fullmatch(r"\s*([^()]+?)\s*(?:\((.*)\))?\s*", identifier)
    if not match:
        return identifier, {}
    name, inside = match.groups()
    arguments: dict[str, Any] = {}
    for part in filter(None, (p.strip() for p in (inside or "").split(","))):
        key, separator, text = (p.strip() for p in part.partition("="))
        if not separator:
            return identifier, {}
        # As NumPy prints its numbers: np.float64(0.7).
        text = re.sub(r"np\.\w+\((.*)\)", r"\1", text)
        try:
            value: float | str = float(text)
        except ValueError:
            value = text
        arguments[_ARGUMENTS.get(key, key)] = value
    return name, arguments


def _known() -> str:
    return (
        "Known are: "
        + ", ".join(
            [*LOSSES, *_ALIASES, *(r.name for r in TABLE2 if "+" in r.name)]
        )
        + ". Single losses take arguments in brackets, as in W-BCE(w=0.7)."
    )
