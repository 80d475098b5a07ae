"""Table 2 of the paper, and the losses that came after it, as data."""

from dataclasses import dataclass
from typing import Any

# `(name in LOSSES, arguments, weight)` of each.
Terms = tuple[tuple[str, dict[str, Any], float], ...]


@dataclass(frozen=True)
class Row:
    """One row of the paper's table 2, or a later loss.

    Attributes:
        name: Name that the table prints.
        group: Heading of the table above it.
        terms: `(name in LOSSES, arguments, weight)` of each term.
        source: Where a later loss is from.
        weighting: How the weights are learned; see `CombinedLoss`.
    """

    name: str
    group: str
    terms: Terms
    source: str = ""
    weighting: str | None = None


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


def _single(loss: str, source: str, **arguments: Any) -> Row:
    shown = ", ".join(str(value) for value in arguments.values())
    name = f"{loss} ({shown})" if shown else loss
    return Row(name, "Later", ((loss, arguments, 1),), source)


_PDP = "Jetley, Murray, Vig, CVPR 2016 (PDP)"
_DEEP_GAZE = "Kümmerer, Wallis, Gatys, Bethge, ICCV 2017 (DeepGaze II)"
_SOFTMAX = {"normalization": "softmax"}
_SUM: Terms = (
    ("KLD", {}, 10),
    ("CC", {}, 2),
    ("SIM", {}, 1),
    ("NSS", {}, 1),
    ("MSE", {}, 5),
)

# Losses that came after the paper, and the objectives of later models. Of an
# objective the terms and weights are those of the code that is named; terms
# are this package's, and `docs/losses.md` says where they differ.
LATER = (
    _single("SIM", "Code of TranSalNet, 2022"),
    _single("chi2", _PDP),
    _single("chi2", _PDP, **_SOFTMAX),
    _single("TV", _PDP),
    _single("TV", _PDP, **_SOFTMAX),
    _single("cosine", _PDP),
    _single("cosine", _PDP, **_SOFTMAX),
    _single("JS", "Lin, IEEE Transactions on Information Theory, 1991"),
    _single("IG", _DEEP_GAZE),
    _single("IG", _DEEP_GAZE, **_SOFTMAX),
    _single("EML-NSS", "Jia and Bruce, IVC 2020 (EML-NET)"),
    _single("SFNE", "Ding et al., IVC 2022 (SalFBNet)"),
    _single("Sinkhorn", "Feydy et al., AISTATS 2019"),
    _single("soft-AUC", "Yan et al., ICML 2003"),
    _single("Dice", "Milletari, Navab, Ahmadi, 3DV 2016 (V-Net)"),
    _single("IoU", "Soft form of Jaccard's coefficient"),
    _single("SSIM", "Wang et al., TIP 2004"),
    Row(
        "DSCLRCN",
        "Objectives",
        (("NSS", {}, 1),),
        "Liu and Han, TIP 2018; train_val.prototxt, layer NSSLoss",
    ),
    Row(
        "MSI-Net",
        "Objectives",
        (("KLD", {}, 1),),
        "Kroner et al., Neural Networks 2020; saliency/loss.py",
    ),
    Row(
        "EML-NET",
        "Objectives",
        (("KLD", {}, 1), ("CC", {}, 1), ("EML-NSS", {}, 1)),
        "Jia and Bruce, IVC 2020; EMLLoss.py",
    ),
    Row(
        "UNISAL",
        "Objectives",
        (("KLD", {}, 1), ("CC", {}, 0.1), ("NSS", {}, 0.1)),
        "Droste, Jiao, Noble, ECCV 2020; unisal/train.py",
    ),
    Row(
        "SalFBNet",
        "Objectives",
        (
            ("KLD", _SOFTMAX, 1),
            ("CC", {}, 0.1),
            ("SFNE", {}, 0.025),
            ("MSE", {}, 0.025),
        ),
        "Ding et al., IVC 2022; gqding/SalFBNet, FBLoss.py",
    ),
    Row(
        "TranSalNet",
        "Objectives",
        _SUM[:-1],
        "Lou et al., Neurocomputing 2022; fine-tune&train.ipynb",
    ),
    Row(
        "UMSI++",
        "Objectives",
        (("KLD", {}, 10), ("CC", {}, 3), ("SIM", {}, 1), ("NSS", {}, 0.5)),
        "Jiang et al., CHI 2023 (UEyes); losses_keras2.py",
    ),
    Row(
        "SUM",
        "Objectives",
        _SUM,
        "Hosseini et al., WACV 2025; train.py",
    ),
    Row(
        "KLD + CC + EML-NSS (uncertainty)",
        "Learned weights",
        (("KLD", {}, 1), ("CC", {}, 1), ("EML-NSS", {}, 1)),
        "Kendall, Gal, Cipolla, CVPR 2018",
        "uncertainty",
    ),
    Row(
        "KLD + CC + NSS (gradients)",
        "Learned weights",
        (("KLD", {}, 1), ("CC", {}, 1), ("NSS", {}, 1)),
        "Défossez et al., TMLR 2023; Chen et al., ICML 2018",
        "gradients",
    ),
)
