"""What the command `keras-saliency benchmark export` does."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import h5py
import numpy as np

from keras_saliency import images, prediction
from keras_saliency._utils import console
from keras_saliency._utils.atomic import explained, replacing
from keras_saliency._utils.skipping import Skipping
from keras_saliency._utils.types import Array
from keras_saliency.densities import METRIC_MAPS, metric_maps
from keras_saliency.models import FixationDensity

_HDF5 = (".hdf5", ".h5")


def run(parsed: argparse.Namespace) -> int:
    """Write the file or the maps; return 1 if something was skipped."""
    metrics = parsed.metrics
    if metrics is None and parsed.out.suffix.lower() not in _HDF5:
        raise ValueError(
            f"{parsed.out} is to hold densities: its name must end in "
            f"{' or '.join(_HDF5)}. For maps give --metrics."
        )
    if metrics is not None and parsed.out.suffix.lower() in _HDF5:
        raise ValueError(
            f"Maps for metrics are written to a folder; received {parsed.out}."
        )
    metrics = [*METRIC_MAPS] if metrics == ["all"] else metrics
    for metric in metrics or ():
        metric_maps.check_metric(metric)
        prediction.check_apart(parsed.images, parsed.out / metric)
    skipping = Skipping(say=console.say)
    paths = prediction.images_in(
        parsed.images,
        recursive=parsed.recursive,
        without=parsed.out if parsed.recursive and metrics else None,
        skipping=skipping,
    )
    _check_names(paths, parsed.images, metrics is not None)
    density = FixationDensity.published(
        parsed.model,
        path=parsed.density,
        backbone_weights=parsed.backbone_weights or "imagenet",
    )
    if metrics is None:
        _write_densities(density, paths, parsed.images, parsed.out, skipping)
        console.tell(parsed.out)
    else:
        write = _write_png if parsed.format == "png" else _write_npy
        for path in paths:
            with skipping.item(path):
                image = images.read_image(path)
                below = path.relative_to(parsed.images).with_suffix("")
                for metric in metrics:
                    write(
                        density.saliency_map(image, metric=metric),
                        parsed.out / metric / below,
                    )
    if not skipping.done:
        skipping.finish()
    if skipping.skipped:
        console.say(skipping.summary)
    return console.UNFINISHED if skipping.skipped else 0


def _check_names(
    paths: Sequence[Path], folder: Path, without_suffix: bool
) -> None:
    """Refuse images of which two would be written under one name."""
    seen: dict[Path, Path] = {}
    for path in paths:
        name = path.relative_to(folder)
        name = name.with_suffix("") if without_suffix else name
        if name in seen:
            raise ValueError(
                f"The maps of {seen[name]} and {path} would have one name."
            )
        seen[name] = path


def _write_densities(
    density: FixationDensity,
    paths: Sequence[Path],
    folder: Path,
    out: Path,
    skipping: Skipping,
) -> None:
    with explained(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as new, h5py.File(new, "w") as file:
        for path in paths:
            with skipping.item(path):
                logs = density.log_density(images.read_image(path))
                file.create_dataset(
                    path.relative_to(folder).as_posix(),
                    data=logs.astype(np.float32),
                    compression=4,
                    shuffle=True,
                )
        if not skipping.done:
            # An error, so that no empty file is left.
            skipping.finish()


def _write_png(map_: Array, target: Path) -> None:
    """Write a map as 16 bits, 65535 where it is largest."""
    peak = map_.max()
    map_ = np.rint(map_ / (peak if peak > 0 else 1) * 65535)
    good, data = cv2.imencode(".png", map_.astype(np.uint16))
    if not good:
        raise ValueError(f"The file {target}.png cannot be encoded.")
    _write(target, ".png", lambda new: new.write_bytes(data.tobytes()))


def _write_npy(map_: Array, target: Path) -> None:
    def save(new: Path) -> None:
        with open(new, "wb") as file:
            np.save(file, map_.astype(np.float32))

    _write(target, ".npy", save)


def _write(target: Path, suffix: str, save: Callable[[Path], object]) -> None:
    target = target.with_name(target.name + suffix)
    with explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target, flush=False) as new:
        save(new)
