"""The command `keras-saliency export`."""

import argparse

from keras_saliency._utils import console
from keras_saliency._utils.errors import NotInstalledError
from keras_saliency.cli.predict import path

_TEXT = """Writes a model as a file that needs no Keras, and compares the maps
of both on an image: the largest and the mean difference, of values in [0, 1],
and the correlation."""
# As in `models.exports`, whose import is slow.
_FORMATS = ("onnx", "litert", "saved_model", "openvino")


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to those of the parser."""
    command = commands.add_parser(
        "export", help="a model for programs without Keras", description=_TEXT
    )
    command.add_argument(
        "model", help="a name of 'weights list', or a .keras file"
    )
    command.add_argument(
        "-o",
        "--out",
        type=path,
        required=True,
        help="file to write: .onnx, .tflite (LiteRT), .xml (OpenVINO); of a "
        "SavedModel the folder",
    )
    command.add_argument(
        "--format",
        choices=_FORMATS,
        help="default: what the file's name ends in",
    )
    precision = command.add_mutually_exclusive_group()
    precision.add_argument(
        "--float16",
        action="store_const",
        const="float16",
        dest="precision",
        help="weights in half the size",
    )
    precision.add_argument(
        "--int8",
        action="store_const",
        const="int8",
        dest="precision",
        help="weights and activations in 8 bits; needs --calibration",
    )
    command.add_argument(
        "--calibration",
        type=path,
        metavar="FOLDER",
        help="images like those that the model is for, of which the first "
        "hundred show the ranges of activations",
    )
    command.add_argument(
        "--image",
        type=path,
        help="image to compare the maps of; default: a generated one",
    )
    command.add_argument(
        "--backbone-weights",
        metavar="FILE",
        help="weights of a published model's backbone; by default Keras "
        "downloads ImageNet's",
    )
    command.set_defaults(run=run, precision="float32")


def run(parsed: argparse.Namespace) -> None:
    """Export, compare, and say how they differ."""
    import numpy as np

    from keras_saliency import datasets, images, models, prediction

    options = {}
    if parsed.backbone_weights is not None:
        options["backbone_weights"] = parsed.backbone_weights
    model = models.get(parsed.model, **options)
    calibration = None
    if parsed.calibration is not None:
        calibration = prediction.images_in(parsed.calibration)[:100]
    if parsed.image is None:
        image = datasets.generate(count=1, size=(480, 640)).image(0)
    else:
        prediction.check_path(parsed.image)
        image = images.read_image(parsed.image)
    written = models.export(
        model,
        parsed.out,
        format=parsed.format,
        precision=parsed.precision,
        calibration=calibration,
    )
    try:
        maps = [
            prediction.Predictor(each)(image).ravel()
            for each in (model, written)
        ]
    except NotInstalledError as error:
        raise NotInstalledError(
            f"{written} was written; to compare it with the model: {error}"
        ) from error
    difference = np.abs(maps[0] - maps[1])
    if min(map(np.ptp, maps)) > 0:
        correlation = np.corrcoef(maps[0], maps[1])[0, 1]
        agreement = f"their correlation is {correlation:.6f}"
    else:
        agreement = "as a map is constant, they have no correlation"
    console.tell(
        f"{written}: maps differ by at most {difference.max():.1g}, "
        f"{difference.mean():.1g} on average; {agreement}"
    )
