"""The losses by the names the paper gives them, and later papers."""

import re
from typing import Any

from keras_saliency._utils.config import argument_names
from keras_saliency._utils.types import ArrayLike, PathName
from keras_saliency.losses.base import CombinedLoss, SaliencyLoss
from keras_saliency.losses.center_bias import CenterBias
from keras_saliency.losses.distances import (
    ChiSquared,
    CosineDistance,
    InformationGain,
    JensenShannon,
    SinkhornDivergence,
    TotalVariation,
)
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
from keras_saliency.losses.rows import LATER, TABLE2
from keras_saliency.losses.saliency import (
    BoundedScanpathSaliency,
    CorrelationCoefficient,
    NormalizedScanpathSaliency,
    SelectiveFixationError,
    Similarity,
    SoftAUC,
)
from keras_saliency.losses.structure import (
    Dice,
    IntersectionOverUnion,
    StructuralSimilarity,
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
    "SIM": Similarity,
    "chi2": ChiSquared,
    "TV": TotalVariation,
    "cosine": CosineDistance,
    "JS": JensenShannon,
    "IG": InformationGain,
    "EML-NSS": BoundedScanpathSaliency,
    "SFNE": SelectiveFixationError,
    "Sinkhorn": SinkhornDivergence,
    "soft-AUC": SoftAUC,
    "Dice": Dice,
    "IoU": IntersectionOverUnion,
    "SSIM": StructuralSimilarity,
}

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
    """Return the loss of a name in the paper, or in a later one.

    Names are those of table 2 (`TABLE2`), of single losses (`LOSSES`), `"LC1"`
    and `"LC2"`, and of later models, whose objective it is (`LATER`: `"SUM"`,
    `"UNISAL"`); upper and lower case and spaces do not matter. Single losses
    take arguments in brackets: `"W-BCE(w=0.7)"`, `"SIG-MSE (lambda=0.25)"`,
    `"Focal(gamma=1)"`, `"KLD(direction=reverse)"`. A combination is named as
    the whole row, with the paper's weights; for others add losses up. Keras'
    names of the same measures are known too (`"mean_squared_error"`, `"mae"`,
    `"binary_crossentropy"`, `"kl_divergence"`).

    Args:
        identifier: A name, or a loss, which is returned as it is.
        prior: Mean density map for the term R, `(height, width)` at the size
            of the network's output. Losses with R need it before their first
            call; that of IG is uniform without it.
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
        "IG": {"prior": prior},
        "DF": {"weights": vgg_weights, "feature_dtype": feature_dtype},
        "GM": {"weights": vgg_weights, "feature_dtype": feature_dtype},
    }
    rows = {_key(row.name): row for row in (*TABLE2, *LATER)}
    singles = {_key(single): single for single in LOSSES}
    aliases = {
        _key(alias): _key(full)
        for alias, full in {**_KERAS_NAMES, **_ALIASES}.items()
    }
    whole = aliases.get(_key(identifier), _key(identifier))
    weighting = None
    if whole in rows:
        terms, weighting = rows[whole].terms, rows[whole].weighting
    elif aliases.get(_key(name), _key(name)) in singles:
        single = singles[aliases.get(_key(name), _key(name))]
        terms = ((single, arguments, 1),)
    else:
        raise ValueError(f"There is no loss {identifier!r}. {_known()}")
    built = []
    for term, term_arguments, _ in terms:
        kind = LOSSES[term]
        known = [name for name in argument_names(kind) if name != "name"]
        for argument in term_arguments.keys() - {*known, "name"}:
            raise ValueError(
                f"{identifier!r}: {kind.__name__} has no argument {argument}; "
                f"it takes {', '.join(known) or 'none'}."
            )
        built.append(kind(**{**extra.get(term, {}), **term_arguments}))
    if len(built) == 1:
        return built[0]
    weights = [weight for _, _, weight in terms]
    return CombinedLoss(built, weights=weights, weighting=weighting)


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
            [
                *LOSSES,
                *_ALIASES,
                *(r.name for r in (*TABLE2, *LATER) if len(r.terms) > 1),
            ]
        )
        + ". Single losses take arguments in brackets, as in W-BCE(w=0.7)."
    )
