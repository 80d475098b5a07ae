"""Run the example scripts as a user does."""

import os
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(name, folder, *arguments):
    """Run a script of `examples/` in a folder; return what it printed."""
    environment = {**os.environ, "KERAS_SALIENCY_CACHE": str(folder / "cache")}
    return subprocess.run(
        [sys.executable, EXAMPLES / name, *arguments],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=500,
    ).stdout
