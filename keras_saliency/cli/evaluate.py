"""The command `keras-saliency evaluate`."""

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_saliency._utils import console
from keras_saliency._utils.atomic import explained
from keras_saliency._utils.errors import NotInstalledError
from keras_saliency.cli import parts, predict, words

# Imported where they are used: the parser is quick.
if TYPE_CHECKING:
    from keras_saliency import datasets

_TEXT = """Prints the mean of each metric over the images with a 95 %
interval. Of two models or more it also compares the first with each of the
others, image by image: difference, interval, a paired test."""
_PARTS = ("all", "train", "validation", "test")


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command to those of the parser."""
    command = commands.add_parser(
        "evaluate",
        help="metrics of models and of folders of maps",
        description=_TEXT,
    )
    command.add_argument(
        "model",
        nargs="+",
        help="a .keras file, one that 'export' wrote, a name of 'weights "
        "list', the name of a classic model, or a folder with a map (image or "
        ".npy) for each image, of its name",
    )
    command.add_argument(
        "--data",
        type=predict.path,
        required=True,
        help="folder of the data set, as for 'datasets info'",
    )
    command.add_argument(
        "--name",
        help="name of the data set; in a publisher's layout, which one of "
        "'datasets list' it is",
    )
    command.add_argument(
        "--partial",
        action="store_true",
        help="use a publisher's copy that lacks some of the images",
    )
    command.add_argument(
        "--part",
        default="all",
        choices=_PARTS,
        help="images of MIT1003 by the paper's split; of another data set a "
        "fifth for validation and a fifth for the test, drawn by seed 0 "
        "(default: all)",
    )
    command.add_argument(
        "--images", type=words.count, help="the first n of them; default: all"
    )
    command.add_argument(
        "--metrics",
        nargs="+",
        metavar="METRIC",
        help="such as cc nss auc_shuffled; default: the seven of the paper "
        "that the data set allows",
    )
    command.add_argument(
        "--size",
        type=words.count,
        nargs=2,
        metavar=("HEIGHT", "WIDTH"),
        help="size at which maps are compared; default: each image's own",
    )
    command.add_argument(
        "--maps",
        choices=("one", "per_metric"),
        help="per_metric: each metric of the map that it wants, for models "
        "with a MODEL.density.json beside their file (default: one)",
    )
    command.add_argument(
        "--workers", type=words.count, default=1, help="processes that score"
    )
    command.add_argument(
        "--backbone-weights",
        metavar="FILE",
        default="imagenet",
        help="weights of a published model's backbone; by default Keras "
        "downloads ImageNet's",
    )
    command.add_argument(
        "-o",
        "--out",
        type=predict.path,
        help="folder to write NAME.csv to, a line for each image; the same "
        "command then goes on after a break",
    )
    command.add_argument(
        "--report",
        type=predict.path,
        metavar="FILE",
        help="HTML file to write with tables, comparisons, distributions, and "
        "the best and worst images with their maps",
    )
    command.add_argument("--shard", type=words.shard, **words.SHARD)
    command.add_argument(
        "--join",
        action="store_true",
        help="put together what the jobs with --shard wrote to the folder of "
        "-o, and print it as one process does",
    )
    command.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> None:
    """Score the models, print and write what was found."""
    from keras_saliency import evaluation
    from keras_saliency.models.sources import Folder

    names = _names(parsed.model)
    parts.check(parsed)
    dataset = _images(parsed)
    joined: dict[str, evaluation.Evaluation] = {}
    if parsed.join:
        joined = parts.join(parsed, names, dataset)
    parsed.maps = parsed.maps or "one"
    system_of = _system if parsed.maps == "one" else _density
    systems: list[Any] = [None] * len(names)
    if not parsed.join or parsed.report is not None:
        systems = [
            system_of(name, parsed.backbone_weights) for name in parsed.model
        ]
    # What is wrong is said before the first is measured.
    given = ["density", "baseline"]
    if dataset.has_fixations:
        given += ["fixations", "other_fixations"]
    metrics = evaluation.choose(parsed.metrics, given)
    for system in systems:
        if isinstance(system, Path):
            Folder(system, dataset)
    if parsed.out is not None:
        with explained(parsed.out):
            parsed.out.mkdir(parents=True, exist_ok=True)
    if parsed.report is not None and parsed.report.is_dir():
        raise ValueError(f"{parsed.report} is a folder; --report takes a file.")
    results: list[evaluation.Evaluation] = []
    for model, name, system in zip(parsed.model, names, systems, strict=True):
        begun = time.perf_counter()
        if parsed.join:
            result = joined[name]
        else:
            if parsed.shard is not None:
                name += parts.ENDING.format(*parsed.shard)
            result = evaluation.evaluate(
                system,
                dataset,
                metrics,
                parsed.size,
                maps=parsed.maps,
                workers=parsed.workers,
                resume=parsed.out and parsed.out / f"{name}.jsonl",
                shard=parsed.shard,
                verbose=1 if sys.stdout.isatty() else 0,
            )
        seconds = time.perf_counter() - begun
        if results:
            console.tell("")
        console.tell(f"{model}: {len(result)} images in {seconds:.1f} s")
        if len(result):
            console.tell(result)
        if parsed.out is not None:
            result.to_csv(parsed.out / f"{name}.csv")
        if parsed.shard is not None:
            parts.note(parsed, name, metrics)
        results.append(result)
    if parsed.shard is not None:
        return
    for name, result in zip(names[1:], results[1:], strict=True):
        compared = evaluation.compare(
            results[0], result, names=(names[0], name)
        )
        console.tell(f"\n{compared}")
    if parsed.report is not None:
        evaluation.report(
            dict(zip(names, results, strict=True)),
            parsed.report,
            dataset=dataset,
            predictions=dict(zip(names, systems, strict=True)),
            title=f"{', '.join(names)} on {dataset.name}",
            options=_options(parsed, dataset, metrics),
        )
        console.tell(f"\n{parsed.report}")


def _options(
    parsed: argparse.Namespace,
    dataset: "datasets.SaliencyDataset",
    metrics: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    """Return what a reader of the report has to know."""
    size = "each image's own"
    if parsed.size is not None:
        size = f"{parsed.size[0]}x{parsed.size[1]}"
    given = [
        name + "".join(f", {key}={value}" for key, value in options.items())
        for name, options in metrics.items()
    ]
    return {
        "models": ", ".join(parsed.model),
        "data": f"{dataset.name}, part: {parsed.part}, {len(dataset)} images",
        "metrics": "; ".join(given),
        "size of the maps": size,
        "maps": parsed.maps,
    }


def _images(parsed: argparse.Namespace) -> "datasets.SaliencyDataset":
    from keras_saliency import datasets
    from keras_saliency.experiments import command_line

    dataset = datasets.load_path(
        parsed.data, name=parsed.name, partial=parsed.partial
    )
    if parsed.part != "all":
        dataset = command_line.parts_of(dataset)[parsed.part]
    return dataset.subset(slice(0, parsed.images))


def _system(name: str, backbone_weights: str) -> Any:
    """Return a folder's path, the model, or what runs an exported one."""
    from keras_saliency import models
    from keras_saliency.prediction import Predictor, runtimes

    if runtimes.is_exported(name):
        return Predictor(name)
    if Path(name).is_dir():
        return Path(name)
    try:
        return models.get(name, backbone_weights=backbone_weights)
    except (ValueError, NotInstalledError):
        raise
    except Exception as error:  # a damaged file raises nearly anything
        raise ValueError(
            f"The model {name} cannot be used ({console.message_of(error)})."
        ) from error


def _density(name: str, backbone_weights: str) -> Any:
    """Return the density of a model that has one beside its file."""
    from keras_saliency.models import FixationDensity

    return FixationDensity.published(name, backbone_weights=backbone_weights)


def _names(given: list[str]) -> list[str]:
    """Return what the models are called in files and tables.

    That is the last part of a path, without the extension; where two would
    then be one, the whole path.
    """
    if "" in given:
        raise ValueError(
            "The name of a model is empty; the current folder is a dot."
        )
    paths = [Path(text) for text in given]
    short = [
        path.resolve().name if path.is_dir() else path.stem for path in paths
    ]
    names = [
        name
        if short.count(name) == 1
        else "_".join(path.parts[1:] if path.anchor else path.parts)
        for name, path in zip(short, paths, strict=True)
    ]
    for name, text in zip(names, given, strict=True):
        if names.count(name) > 1:
            raise ValueError(f"The model {text} is given twice.")
    return names
