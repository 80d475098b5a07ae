"""Data sets by name: where a copy is, and where to get one."""

import os
from dataclasses import dataclass
from pathlib import Path

from keras_saliency._utils import download
from keras_saliency._utils.errors import DatasetError, DatasetNotFoundError
from keras_saliency.datasets.formats.compact import load_compact
from keras_saliency.datasets.formats.folders import load_tree
from keras_saliency.datasets.publishers import (
    archives,
    cat2000,
    fiwi,
    mit1003,
    osie,
    pascal_s,
    salicon,
    toronto,
)

ENVIRONMENT = "KERAS_SALIENCY_DATA"
_CACHE = Path("~/.cache/keras_saliency/datasets")
# Written last into a folder that `download=True` filled.
_COMPLETE = ".complete"
_DOWNLOADS = ".downloads"


@dataclass(frozen=True)
class Archive:
    """A file that a publisher offers.

    Args:
        url: Its address.
        name: Its name here.
        md5: Its checksum. None where none is known: then the zip archive's
            own checksums, and the number of images in it, are verified.
        into: Sub-folder to extract it to.
    """

    url: str
    name: str
    md5: str | None = None
    into: str = ""


@dataclass(frozen=True)
class Source:
    """A data set that `load` knows.

    Args:
        load: The loader of its publisher's layout.
        archives: What to download.
        layout: Files and folders of which one shows that a folder is a copy.
        images: Number of images that a complete copy has.
    """

    load: object
    archives: tuple
    layout: tuple
    images: int


_MIT = "http://people.csail.mit.edu/tjudd/WherePeopleLook"
_DRIVE = (
    "https://drive.usercontent.google.com/download?export=download"
    "&confirm=t&id="
)

# Checksums as other projects' loaders verify them. None of the addresses was
# tried from here.
SOURCES = {
    "mit1003": Source(
        mit1003.load_mit1003,
        (
            Archive(
                f"{_MIT}/ALLSTIMULI.zip",
                "ALLSTIMULI.zip",
                "0d7df8b954ecba69b6796e77b9afe4b6",
            ),
            Archive(
                f"{_MIT}/DATA.zip",
                "DATA.zip",
                "ea19d74ad0a0144428c53e9d75c2d71c",
            ),
        ),
        ("ALLSTIMULI",),
        mit1003.IMAGES,
    ),
    "cat2000": Source(
        cat2000.load_cat2000,
        (
            Archive(
                "http://saliency.mit.edu/trainSet.zip",
                "trainSet.zip",
                "56ad5c77e6c8f72ed9ef2901628d6e48",
            ),
        ),
        ("trainSet/Stimuli", "FIXATIONLOCS"),
        cat2000.IMAGES,
    ),
    "fiwi": Source(
        fiwi.load_fiwi,
        (
            Archive(
                "https://www.dropbox.com/s/30nxg2uwd1wpb80/"
                "webpage_dataset.zip?dl=1",
                "webpage_dataset.zip",
            ),
        ),
        ("webpage_dataset/stimuli", "eyeMaps/all5"),
        fiwi.IMAGES,
    ),
    "salicon": Source(
        salicon.load_salicon,
        (
            Archive(
                _DRIVE + "1g8j-hTT-51IG1UFwP0xTGhLdgIUCW5e5",
                "images.zip",
                "eb2a1bb706633d1b31fc2e01422c5757",
            ),
            Archive(
                _DRIVE + "1P-jeZXCsjoKO79OhFUgnj6FGcyvmLDPj",
                "fixations_2017.zip",
                "462b70f4f9e8ea446ac628e46cea8d3d",
                "fixations",
            ),
        ),
        ("images/train", "images/val"),
        salicon.IMAGES["train"],
    ),
    "osie": Source(
        osie.load_osie,
        (
            Archive(
                "https://github.com/NUS-VIP/predicting-human-gaze-beyond-"
                "pixels/archive/master.zip",
                "predicting-human-gaze-beyond-pixels-master.zip",
            ),
        ),
        (
            "predicting-human-gaze-beyond-pixels-master/data/stimuli",
            "data/stimuli",
            "eye/fixations.mat",
        ),
        osie.IMAGES,
    ),
    "toronto": Source(
        toronto.load_toronto,
        (
            Archive(
                "http://www-sop.inria.fr/members/Neil.Bruce/"
                "eyetrackingdata.zip",
                "eyetrackingdata.zip",
                "38d5c02217060d4d2d1a4649cc632af1",
            ),
        ),
        ("eyetrackingdata/fixdens", "origfixdata.mat"),
        toronto.IMAGES,
    ),
    "pascal_s": Source(
        pascal_s.load_pascal_s,
        (
            Archive(
                "http://cbs.ic.gatech.edu/salobj/download/salObj.zip",
                "salObj.zip",
                "e48b4e5deac08bddcaec55ce56e4d420",
            ),
        ),
        ("datasets/fixations/pascalFix.mat", "fixations/pascalFix.mat"),
        pascal_s.IMAGES,
    ),
}


def load(
    name,
    root=None,
    *,
    download=False,
    partial=False,
    progress=True,
    **options,
):
    """Load a data set by name, from a copy that is found or downloaded.

    A copy is looked for in `root`, else in the folder that the environment
    variable `KERAS_SALIENCY_DATA` names, else in
    `~/.cache/keras_saliency/datasets`: there itself, or in a folder of the
    data set's name. It may be in the publisher's layout; or, in a folder of
    the data set's name, in the compact form (`fixations.npz`) or in MSI-Net's
    folders.

    Args:
        name: A name in `SOURCES`, in any case, such as "mit1003".
        root: Where to look, and to download to.
        download: Whether to get the publisher's archives if there is no copy.
            A download that was cut is resumed; archives are removed once
            extracted.
        partial: Whether a publisher's copy is used that lacks some of the
            pictures. The other forms hold what they hold.
        progress: Whether to show the progress of downloads.
        **options: Arguments of the loader, such as `load_mit1003`.

    Returns:
        A `SaliencyDataset`.

    Raises:
        DatasetNotFoundError: If there is no copy; the message says which
            files to get from where.
        DatasetError: If a copy is damaged, or a download fails.
        ValueError: On a name that is not known.
    """
    key = str(name).lower().replace("-", "_")
    if key not in SOURCES:
        raise ValueError(
            f"There is no data set {name!r}; known are {', '.join(SOURCES)}. "
            "Load your own files with load_folder or load_compact."
        )
    source = SOURCES[key]
    base = Path(root or os.environ.get(ENVIRONMENT) or _CACHE).expanduser()
    for folder in _candidates(base, key):
        if any((folder / part).exists() for part in source.layout):
            return source.load(folder, partial=partial, **options)
        # Nothing in these says which data set they are, but their name.
        if _plain(folder.resolve().name) == _plain(key):
            if (folder / "fixations.npz").is_file():
                return load_compact(folder, **options)
            if all(
                (folder / part).is_dir() for part in ("stimuli", "saliency")
            ):
                return load_tree(folder, **options)
    target = base / key
    if not download:
        raise DatasetNotFoundError(_instructions(key, source, base, target))
    _get(key, source, target, progress)
    return source.load(target, partial=partial, **options)


def _candidates(base, key):
    if not base.is_dir():
        return
    if _is_whole(base):
        yield base
    for entry in sorted(base.iterdir()):
        if _plain(entry.name) == _plain(key) and entry.is_dir():
            if _is_whole(entry):
                yield entry


def _plain(name):
    return name.lower().replace("-", "").replace("_", "")


def _is_whole(folder):
    # What a download filled is complete, or counts as not there at all.
    marked = (folder / _COMPLETE).exists()
    return marked or not (folder / _DOWNLOADS).exists()


def _instructions(key, source, base, target):
    lines = "".join(
        f"\n  {a.url}" + (f" (MD5 {a.md5})" if a.md5 else "")
        for a in source.archives
    )
    return (
        f"There is no copy of {key} in {base} (root=, else the environment "
        f"variable {ENVIRONMENT}, else {_CACHE}). Use download=True, or get"
        f"{lines}\nand extract into {target}, so that there is "
        f"{target / source.layout[0]}."
    )


def _get(key, source, target, progress):
    downloads = target / _DOWNLOADS
    try:
        downloads.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(
            f"The folder {downloads} cannot be made: {error}."
        ) from error
    for archive in source.archives:
        file = downloads / archive.name
        done = downloads / f"{archive.name}.extracted"
        if done.exists():
            continue
        try:
            download.download(
                archive.url, file, md5=archive.md5, progress=progress
            )
        except download.DownloadError as error:
            raise DatasetError(str(error)) from error
        try:
            archives.extract(file, target / archive.into)
        except DatasetError:
            if archive.md5 is None:
                # Nothing vouches for these bytes: do not keep them.
                file.unlink(missing_ok=True)
            raise
        done.touch()
        file.unlink()
    (target / _COMPLETE).touch()
