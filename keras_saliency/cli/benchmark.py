"""The words of the command `keras-saliency benchmark`."""

import argparse

from keras_saliency.cli.predict import path

_TEXT = """Writes what the MIT/Tuebingen saliency benchmark takes. FILE.hdf5 or
FILE.h5: the natural logarithm of each image's density of fixations, normalized,
under the name of the image, as pysaliency's HDF5Model reads it. A folder with
--metrics: the map that each metric wants, METRIC/NAME.png of 16 bits or
METRIC/NAME.npy. An image that cannot be read is skipped, and the exit status is
then 1."""


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to those of the parser."""
    command = commands.add_parser(
        "benchmark", help="submissions to a saliency benchmark"
    )
    group = command.add_subparsers(required=True, metavar="COMMAND")
    export = group.add_parser(
        "export",
        help="densities, or a map for each metric, of a folder of images",
        description=_TEXT,
    )
    export.add_argument(
        "--model",
        required=True,
        help="a name of 'weights list', a .keras file, or the name of a "
        "classic model",
    )
    export.add_argument(
        "--density",
        type=path,
        metavar="FILE",
        help="what FixationDensity.save wrote; default: MODEL.density.json "
        "beside the model's file",
    )
    export.add_argument(
        "--backbone-weights",
        metavar="FILE",
        help="weights of a published model's backbone; by default Keras "
        "downloads ImageNet's",
    )
    export.add_argument(
        "--images", type=path, required=True, help="folder of the images"
    )
    export.add_argument(
        "-r",
        "--recursive",
        action="store_true",
        help="images of sub-folders too",
    )
    export.add_argument(
        "-o",
        "--out",
        type=path,
        required=True,
        help="the file, or with --metrics the folder",
    )
    export.add_argument(
        "--metrics",
        nargs="+",
        metavar="METRIC",
        help="write maps for these, such as cc sim nss; 'all' for all there "
        "are",
    )
    export.add_argument(
        "--format",
        choices=("png", "npy"),
        default="png",
        help="of the maps (default: png)",
    )
    export.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Write the file or the maps; return 1 if something was skipped."""
    # Imported where it is used: the parser is quick.
    from keras_saliency.cli import submission

    return submission.run(parsed)
