"""The publishers' data sets: their archives, and how to get them."""

import contextlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from keras_saliency._utils import download, locks
from keras_saliency._utils.atomic import explained
from keras_saliency._utils.errors import DatasetError
from keras_saliency.datasets.base import SaliencyDataset
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

# Written last into a folder that `fetch` filled.
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

    load: Callable[..., SaliencyDataset]
    archives: tuple[Archive, ...]
    layout: tuple[str, ...]
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
        mit1003.IMAGE_COUNT,
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
        cat2000.IMAGE_COUNT,
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
        fiwi.IMAGE_COUNT,
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
        salicon.IMAGE_COUNT["train"],
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
        osie.IMAGE_COUNT,
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
        toronto.IMAGE_COUNT,
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
        pascal_s.IMAGE_COUNT,
    ),
}


def is_whole(folder: Path) -> bool:
    """Return whether a folder is a copy, and not a download that was cut."""
    marked = (folder / _COMPLETE).exists()
    return marked or not (folder / _DOWNLOADS).exists()


def fetch(source: Source, folder: Path, *, progress: bool = True) -> None:
    """Download and extract a data set's archives, or what is left of it.

    Of several processes that ask for one data set at once, one works and the
    others wait for it.

    Args:
        source: The data set.
        folder: Where to extract it.
        progress: Whether to show the progress of downloads.

    Raises:
        DatasetError: If a download fails or an archive is damaged.
    """
    downloads = folder / _DOWNLOADS

    def on_wait() -> None:
        if progress and sys.stderr is not None:
            print(
                f"Waiting for another process that fills {folder}",
                file=sys.stderr,
            )

    try:
        with contextlib.ExitStack() as stack:
            with explained(downloads):
                downloads.mkdir(parents=True, exist_ok=True)
                stack.enter_context(locks.hold(downloads / ".lock", on_wait))
            # Whoever waited finds all done.
            if not (folder / _COMPLETE).exists():
                for archive in source.archives:
                    _fetch_one(archive, folder, downloads, progress)
                with explained(folder):
                    (folder / _COMPLETE).touch()
    except (OSError, download.DownloadError) as error:
        raise DatasetError(str(error)) from error


def _fetch_one(
    archive: Archive, folder: Path, downloads: Path, progress: bool
) -> None:
    file = downloads / archive.name
    done = downloads / f"{archive.name}.extracted"
    if not done.exists():
        download.download(archive.url, file, md5=archive.md5, progress=progress)
        try:
            archives.extract(file, folder / archive.into)
        except DatasetError:
            if archive.md5 is None:
                # Nothing vouches for these bytes: do not keep them.
                file.unlink(missing_ok=True)
            raise
        with explained(done):
            done.touch()
    # A process may have been killed in between.
    file.unlink(missing_ok=True)
