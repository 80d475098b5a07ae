"""Finding, verifying and downloading the files of the manifest."""

import importlib.util
import json
import os
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from keras_saliency._utils import download as downloads
from keras_saliency._utils.paths import PathName
from keras_saliency.weights import manifest

FOLDER_VARIABLE = "KERAS_SALIENCY_WEIGHTS"
URL_VARIABLE = "KERAS_SALIENCY_WEIGHTS_URL"
CACHE = Path("~/.cache/keras_saliency/weights")
PACKAGE = Path(__file__).parent
# What `pip install ./weights` installs, and what it belongs to.
DATA_PACKAGE = "keras_saliency_weights"
DISTRIBUTION = "keras_saliency"


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

    It is looked for in `directory`; in the package itself; in the folder that
    the environment variable `KERAS_SALIENCY_WEIGHTS` names; in the package
    `keras_saliency_weights`, if that is installed; in the folder `weights/` of
    the checkout that the package runs from or was installed from; and in
    `~/.cache/keras_saliency/weights`. If it is in none of them it is
    downloaded, to `directory` or else to the last: cut downloads are resumed,
    and the file gets its name once its checksum is right. A wrong file in a
    folder that you named is an error; elsewhere the search goes on.

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
    looked = []
    for folder, is_named in _folders(directory):
        path = folder / wanted.file
        try:
            if not path.is_file():
                looked.append(str(folder))
                continue
            downloads.verify(path, sha256=wanted.sha256, size=wanted.bytes)
            return path
        except (OSError, downloads.DownloadError) as error:
            if is_named:
                raise WeightsError(
                    f"{error}. It is damaged, or another file of that name: "
                    "remove it, or get the published one."
                ) from error
            looked.append(f"{folder} (another file: {error})")
    base_url = base_url or os.environ.get(URL_VARIABLE)
    if not (download and base_url):
        raise WeightsError(_advice(name, wanted, looked, download))
    folder = Path(directory or CACHE).expanduser()
    try:
        return downloads.download(
            f"{base_url.rstrip('/')}/{wanted.file}",
            folder / wanted.file,
            sha256=wanted.sha256,
            size=wanted.bytes,
            replace=True,
            progress=progress,
        )
    except downloads.DownloadError as error:
        raise WeightsError(str(error)) from error


def _advice(
    name: str, wanted: manifest.File, looked: list[str], download: bool
) -> str:
    """Return how to get a file that is not here."""
    places = "".join(f"\n  {place}" for place in looked)
    allowed = "" if download else ", and by download=True"
    return (
        f"The weights {name!r} are not here: {wanted.file}, "
        f"{wanted.bytes} bytes, SHA-256 {wanted.sha256}. It is in the folder "
        "weights/ of the project's repository; with CHECKOUT for a copy of "
        "the repository, any of these commands gets it:\n"
        "  `pip install CHECKOUT/weights`,\n"
        f"  `export {FOLDER_VARIABLE}=CHECKOUT/weights` (offline),\n"
        f"  `keras-saliency weights get {name} --url ADDRESS` (of a "
        f"folder that holds it, also by base_url= or {URL_VARIABLE}{allowed})."
        f"\nLooked for in{places}"
    )


def _folders(directory: PathName | None) -> Iterator[tuple[Path, bool]]:
    """Yield folders, and whether the user has named them."""
    if directory:
        yield Path(directory).expanduser(), True
    yield PACKAGE, False
    if os.environ.get(FOLDER_VARIABLE):
        yield Path(os.environ[FOLDER_VARIABLE]).expanduser(), True
    spec = importlib.util.find_spec(DATA_PACKAGE)
    if spec is not None:
        for folder in spec.submodule_search_locations or ():
            yield Path(folder), False
    checkout = PACKAGE.parents[1]
    if (checkout / "setup.cfg").is_file():
        yield checkout / "weights", False
    source = _installed_from()
    if source is not None and source != checkout:
        yield source / "weights", False
    yield CACHE.expanduser(), False


def _installed_from() -> Path | None:
    """Return the folder that pip installed this package from, if it did."""
    from importlib import metadata  # slow

    try:
        text = metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
        origin = json.loads(text or "{}")
        url = urllib.parse.urlsplit(origin["url"])
    except (metadata.PackageNotFoundError, OSError, ValueError, KeyError):
        return None
    if url.scheme != "file" or "dir_info" not in origin:
        return None
    return Path(urllib.request.url2pathname(url.path))
