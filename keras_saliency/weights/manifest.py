"""What is published: the entries of `manifest.json`."""

import dataclasses
import json
from pathlib import Path

MANIFEST = Path(__file__).with_name("manifest.json")
# The model whose file is part of the package.
BUNDLED = "bundled"


@dataclasses.dataclass(frozen=True)
class Entry:
    """A published file and how it was made.

    Args:
        name: What `load` is asked for.
        sha256: Checksum of the file.
        bytes: Length of the file.
        description: One line.
        data: What it was trained on.
        split: Which images were for what.
        recipe: How it was trained.
        seed: Of the training.
        license: Of the file.
        limits: What it cannot do, and what limits its use.
        test_data: What the metrics were measured on.
        metrics: Dictionary of a metric of `evaluation.METRICS` and its
            `[mean, low, high]`, the last two of the 95 % interval; empty
            before it is measured.
        baseline: Arguments of `models.Baseline` where the file holds the head
            of one; `None` where it holds a whole model.
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
    metrics: dict = dataclasses.field(default_factory=dict)
    baseline: dict | None = None

    @property
    def file(self):
        """Name of the file."""
        return f"{self.name}.keras"

    def __str__(self):
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


class Entries(tuple):
    """Entries whose text is a list that can be read."""

    def __str__(self):
        return "\n\n".join(map(str, self)) or "No weights are published."


def list():
    """The published files.

    Returns:
        A tuple of `Entry`, to be printed or looked through.
    """
    content = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return Entries(Entry(name, **rest) for name, rest in content.items())
