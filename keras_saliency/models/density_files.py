"""Files of fitted densities: where they are, and of which model."""

import hashlib
from pathlib import Path

from keras_saliency import weights
from keras_saliency._utils.types import PathName
from keras_saliency.densities import Fitted
from keras_saliency.models.classic import CLASSIC


def find(name: str) -> Path:
    """Return the path of the density beside a model's file.

    Args:
        name: The name of a published model, or the path of a `.keras` file.

    Raises:
        ValueError: If there is no such file.
    """
    if name in CLASSIC:
        raise ValueError(
            f"Of {name} no density is published: fit one, "
            f"FixationDensity({name!r}).fit(dataset), save it, and name its "
            "file."
        )
    is_file = name.lower().endswith(".keras")
    path = Path(name) if is_file else weights.find(name)
    path = path.with_name(path.stem + ".density.json")
    if not path.is_file():
        raise ValueError(
            f"There is no {path}, the density of {name}: fit one, "
            "FixationDensity(model).fit(dataset), and save it there."
        )
    return path


def checksum(name: str | None) -> str | None:
    """Return that of a published file or a path, `None` for other models."""
    published = _published()
    if name in published:
        return published[name]
    if name is None or not Path(name).is_file():
        return None
    with open(name, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check(fitted: Fitted, name: str, path: PathName) -> None:
    """Refuse a density that was fitted to another file of a model's name.

    One that was fitted to a model in memory says nothing of a file, and is
    taken for one of the user's own.

    Args:
        fitted: What was fitted.
        name: Name or path of the model.
        path: The file that holds what was fitted, for the error.

    Raises:
        ValueError: If it was fitted to another file.
    """
    found = fitted.report.get("sha256")
    if found != checksum(name) and (found is not None or name in _published()):
        raise ValueError(
            f"{path} was fitted to another file of {name}: fit it anew, "
            "FixationDensity(model).fit(dataset)."
        )


def _published() -> dict[str, str]:
    """Return the name of each published file and its checksum."""
    return {entry.name: entry.sha256 for entry in weights.entries()}
