"""Finding, verifying and downloading the files of the manifest."""

import os
from pathlib import Path

from keras_saliency._utils import download as downloads
from keras_saliency._utils.paths import PathName
from keras_saliency.weights import manifest

FOLDER_VARIABLE = "KERAS_SALIENCY_WEIGHTS"
URL_VARIABLE = "KERAS_SALIENCY_WEIGHTS_URL"
CACHE = Path("~/.cache/keras_saliency/weights")
PACKAGE = Path(__file__).parent


class WeightsError(ValueError):
    """A published file is not there, is damaged or cannot be had.

    The message names the file and says what to do. It is a `ValueError`.
    """


def entry(name: str) -> manifest.Entry:
    """Return the manifest's entry of a name.

    Raises:
        WeightsError: If there is none.
    """
    entries = manifest.entries()
    for found in entries:
        if found.name == name:
            return found
    known = ", ".join(found.name for found in entries) or "none yet"
    raise WeightsError(f"There are no weights {name!r}; known are {known}.")


def find(
    name: str,
    *,
    kind: str = "keras",
    directory: PathName | None = None,
    base_url: str | None = None,
    download: bool = True,
    progress: bool = True,
) -> Path:
    """Return the path of a published file, verified.

    It is looked for in `directory`; in the package itself; in the folder
    `weights/` of the checkout that the package runs from; in the folder that
    the environment variable `KERAS_SALIENCY_WEIGHTS` names; and in
    `~/.cache/keras_saliency/weights`. If it is in none of them it is
    downloaded, to `directory` or else to the last: cut downloads are resumed,
    and the file gets its name once its checksum is right. A damaged file in
    `~/.cache` is downloaded anew; elsewhere it is an error.

    Args:
        name: The name of one of `weights.entries()`.
        kind: `"keras"`, or one of the entry's `exports`.
        directory: A folder with the files.
        base_url: Address of a folder with the files, such as a mirror's;
            `base_url/NAME.KIND` is asked for. Defaults to the environment
            variable `KERAS_SALIENCY_WEIGHTS_URL`.
        download: Whether it may be downloaded.
        progress: Whether to show the progress of a download.

    Raises:
        WeightsError: If there is no such name or no such file, or if it is
            not the one published.
        ValueError: If it is not published in that kind.
    """
    wanted = entry(name).published(kind)
    folders = _folders(directory)
    for path in (folder / wanted.file for folder in folders):
        if path.is_file():
            try:
                _verify(path, wanted)
            except (OSError, downloads.DownloadError) as error:
                raise WeightsError(
                    f"{error}. It is damaged, or another file of that name: "
                    "remove it, or get the published one."
                ) from error
            return path
    cached = CACHE.expanduser() / wanted.file
    if _is_right(cached, wanted):
        return cached
    base_url = base_url or os.environ.get(URL_VARIABLE)
    if not (download and base_url):
        places = "".join(f"\n  {folder}" for folder in (*folders, CACHE))
        raise WeightsError(
            f"The weights {name!r} are not here. Get {wanted.file} "
            f"({wanted.bytes} bytes, SHA-256 {wanted.sha256}), which is in "
            "the folder weights/ of the project's repository, and name the "
            f"folder that holds it by directory= or the environment variable "
            f"{FOLDER_VARIABLE}; or have it downloaded: name the address of "
            f"a folder that holds it by base_url= or {URL_VARIABLE}"
            f"{'' if download else ', and allow it by download=True'}. "
            f"Looked for in{places}"
        )
    target = folders[0] / wanted.file if directory else cached
    try:
        return downloads.download(
            f"{base_url.rstrip('/')}/{wanted.file}",
            target,
            sha256=wanted.sha256,
            size=wanted.bytes,
            replace=True,
            progress=progress,
        )
    except downloads.DownloadError as error:
        raise WeightsError(str(error)) from error


def _folders(directory: PathName | None) -> list[Path]:
    """Return the folders whose files are somebody's own."""
    folders = [Path(directory).expanduser()] if directory else []
    folders.append(PACKAGE)
    checkout = PACKAGE.parents[1]
    if (checkout / "setup.cfg").is_file():
        folders.append(checkout / "weights")
    if os.environ.get(FOLDER_VARIABLE):
        folders.append(Path(os.environ[FOLDER_VARIABLE]).expanduser())
    return folders


def _verify(path: Path, wanted: manifest.File) -> None:
    downloads.verify(path, sha256=wanted.sha256, size=wanted.bytes)


def _is_right(path: Path, wanted: manifest.File) -> bool:
    try:
        _verify(path, wanted)
    except (OSError, downloads.DownloadError):
        return False
    return True
