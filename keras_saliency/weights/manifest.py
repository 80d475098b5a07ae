"""The published files: entries of `manifest.json`."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from keras_saliency._utils.checks import is_count

MANIFEST = Path(__file__).with_name("manifest.json")
# The model whose file is part of the package.
BUNDLED = "bundled"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


class File(NamedTuple):
    """Name, checksum and length of a published file."""

    file: str
    sha256: str
    bytes: int


@dataclasses.dataclass(frozen=True)
class Entry:
    """A published file and how it was made.

    Args:
        name: Its name for `find` and `models.get`.
        sha256: Checksum of the file.
        bytes: Length of the file.
        description: One line.
        data: Data set of the training.
        split: Which images were for what.
        recipe: How it was trained.
        seed: Seed of the training.
        license: License of the file.
        limits: What the model cannot do, and what limits its use.
        test_data: Images on which the metrics were measured.
        metrics: Dictionary of a metric of `evaluation.METRICS` and its
            `[mean, low, high]`, the last two of the 95 % interval; empty
            before it is measured.
        baseline: Arguments of `models.Baseline` where the file holds the head
            of one; `None` where it holds a whole model.
        exports: The same model in files that need no Keras: dictionary of
            what their names end in, such as `"onnx"`, and `[sha256, bytes]`.
    """

    name: str
    sha256: str
    bytes: int
    description: str
    data: str
    split: str
    recipe: str
    seed: int
    license: str
    limits: str
    test_data: str
    metrics: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    baseline: dict[str, Any] | None = None
    exports: dict[str, list[Any]] = dataclasses.field(default_factory=dict)

    @property
    def file(self) -> str:
        """Name of the file."""
        return f"{self.name}.keras"

    def published(self, kind: str = "keras") -> File:
        """Return the file of a kind, which its name ends in.

        Raises:
            ValueError: If the model is not published as such.
        """
        if kind == "keras":
            return File(self.file, self.sha256, self.bytes)
        if kind not in self.exports:
            kinds = ", ".join(("keras", *self.exports))
            raise ValueError(
                f"{self.name!r} is published as {kinds}; received {kind!r}."
            )
        return File(f"{self.name}.{kind}", *self.exports[kind])

    def __str__(self) -> str:
        means = "  ".join(
            f"{name} {mean:.3f}" for name, (mean, _, _) in self.metrics.items()
        )
        return "\n".join(
            (
                f"{self.name}  {self.description}",
                f"  size     {self.bytes / 1e6:.1f} MB",
                f"  data     {self.data}",
                f"  metrics  {means or 'not measured'} ({self.test_data})",
                f"  license  {self.license}",
            )
        )


class Entries(tuple[Entry, ...]):
    """Entries that print as a list to read."""

    def __str__(self) -> str:
        return "\n\n".join(map(str, self)) or "No weights are published."

    def _repr_html_(self) -> str:
        metrics = list(dict.fromkeys(m for e in self for m in e.metrics))
        rows = [["name", "what it is", "MB", *metrics]]
        for entry in self:
            means = {name: mean for name, (mean, *_) in entry.metrics.items()}
            rows.append(
                [
                    entry.name,
                    entry.description,
                    f"{entry.bytes / 1e6:.1f}",
                    *(f"{means[m]:.3f}" if m in means else "" for m in metrics),
                ]
            )
        # It takes NumPy's time to import.
        from keras_saliency._utils import html

        return html.table_of_text(rows, caption="published models")


def entries() -> Entries:
    """Return the published files.

    Returns:
        A tuple of `Entry`, to be printed or looked through.

    Raises:
        ValueError: If the list is damaged, or names what is no file's name.
    """
    try:
        content = json.loads(MANIFEST.read_text(encoding="utf-8"))
        found = Entries(Entry(name, **rest) for name, rest in content.items())
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f"The list of published files {MANIFEST} is damaged: {error}. "
            "Install the package anew."
        ) from error
    for entry in found:
        # The name becomes that of a file, in folders and in an address.
        kinds = ("keras", *entry.exports)
        if not all(
            _NAME.fullmatch(name)
            and _SHA256.fullmatch(str(sha256))
            and is_count(size)
            for name, sha256, size in map(entry.published, kinds)
        ):
            raise ValueError(
                f"The list of published files {MANIFEST} has an entry that is "
                "none: its name must be of letters, digits, '-', '_' and '.', "
                "its checksum of 64 hexadecimal digits, its length positive; "
                f"received {entry.name!r}, {entry.sha256!r}, {entry.bytes!r}."
            )
    return found
