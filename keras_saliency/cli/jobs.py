"""What is read and what is written: a file for each image and video."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from keras_saliency import images, prediction, videos
from keras_saliency._utils.skipping import Skipping

# What OpenCV writes in every build.
_IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
_IMAGE, _VIDEO = ".png", ".mp4"


# A file, the address of a stream, the number of a camera.
Source = Path | str | int


class Job(NamedTuple):
    """What to read and the file to write."""

    source: Source
    target: Path

    def is_done(self) -> bool:
        """Return whether the file to write is there; it is then whole."""
        return self.target.is_file() and self.target.stat().st_size > 0


class _Found(NamedTuple):
    """A file to read, and the sub-folder of its folder that it is in."""

    source: Source
    below: Path


def plan(
    inputs: Sequence[Source],
    out: Path,
    *,
    recursive: bool,
    skipping: Skipping,
) -> list[Job]:
    """Return what is to do.

    A file is written under the name of the one that is read, without the
    extension; where two would then be one, both keep theirs: `a.jpg.png` and
    `a.png.png`. A camera or stream has the name of `videos.name_of`.

    Args:
        inputs: Images, videos and folders; streams and cameras.
        out: A folder; or, for one image or video, the file.
        recursive: Whether sub-folders are searched too.
        skipping: Where inputs that cannot be used are noted.

    Raises:
        ValueError: If nothing is to do, two inputs would be written to one
            file, an input would be overwritten, or maps would be written
            among the images of a folder.
    """
    folders = [p for p in inputs if isinstance(p, Path) and p.is_dir()]
    for folder in folders:
        prediction.check_apart(folder, out)
    found = _found(inputs, out, recursive, skipping)
    file = _file(inputs, found, out)
    if file is not None:
        jobs = [Job(found[0].source, file)]
    else:
        if out.exists() and not out.is_dir():
            raise ValueError(
                f"{out} is a file; -o takes a folder, or for one image a file "
                f"{', '.join(_IMAGES)}."
            )
        jobs = _named(found, out)
    targets = {job.target.parent for job in jobs}
    for folder in folders:
        prediction.check_apart(folder, out, targets)
    sources = {
        os.path.realpath(job.source)
        for job in jobs
        if isinstance(job.source, Path)
    }
    for job in jobs:
        if os.path.realpath(job.target) in sources:
            raise ValueError(
                f"The map of {job.source} would replace {job.target}, which "
                "is to be read; choose another folder."
            )
    return jobs


def _found(
    inputs: Sequence[Source], out: Path, recursive: bool, skipping: Skipping
) -> list[_Found]:
    found: dict[Source, _Found] = {}
    failures = []
    for path in inputs:
        if not isinstance(path, Path):
            found.setdefault(path, _Found(path, Path()))
            continue
        try:
            if not path.is_dir():
                prediction.check_path(path)
                found.setdefault(path.absolute(), _Found(path, Path()))
                continue
            inside = prediction.images_in(
                path,
                recursive=recursive,
                # Maps that are written into the folder are not read.
                without=out if recursive else None,
                skipping=skipping,
            )
        except ValueError as error:
            failures.append((error, path))
            continue
        for image in inside:
            below = image.parent.relative_to(path)
            found.setdefault(image.absolute(), _Found(image, below))
    if not found:
        raise failures[0][0]
    for failure in failures:
        skipping.note(*failure)
    return list(found.values())


def _file(
    inputs: Sequence[Source], found: Sequence[_Found], out: Path
) -> Path | None:
    """Return the file that `out` names, if it names one."""
    suffix = out.suffix.lower()
    known = {*images.EXTENSIONS, *videos.EXTENSIONS}
    if suffix not in known or out.is_dir():
        return None
    if len(found) > 1 or any(
        isinstance(path, Path) and path.is_dir() for path in inputs
    ):
        raise ValueError(
            f"{out} names one file, but several files or folders are given; "
            "name a folder."
        )
    is_video = videos.is_video(found[0].source)
    possible = (_VIDEO,) if is_video else _IMAGES
    if suffix not in possible:
        raise ValueError(
            f"The map of {videos.shown(found[0].source)} is written as "
            f"{', '.join(possible)}; received {out}."
        )
    return out


def _named(found: Sequence[_Found], out: Path) -> list[Job]:
    whole: set[Source] = set()
    while True:
        targets: dict[Path, list[Source]] = {}
        for source, below in found:
            if isinstance(source, Path):
                name = source.name if source in whole else source.stem
            else:
                name = videos.name_of(source)
            suffix = _VIDEO if videos.is_video(source) else _IMAGE
            target = out / below / (name + suffix)
            targets.setdefault(target, []).append(source)
        double = {t: s for t, s in targets.items() if len(s) > 1}
        new = {source for many in double.values() for source in many} - whole
        if not new:
            break
        whole |= new
    for target, sources in double.items():
        first, second = map(videos.shown, sources[:2])
        raise ValueError(
            f"{first} and {second} would both be written to {target}; "
            "give them in two calls with two folders."
        )
    return [Job(sources[0], target) for target, sources in targets.items()]
