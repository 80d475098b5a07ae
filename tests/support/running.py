"""Run the example scripts."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def script(name):
    """A script of `examples/` as a module; its `main` takes arguments."""
    # As Python does for a script: some share modules that lie beside them.
    if str(EXAMPLES) not in sys.path:
        sys.path.append(str(EXAMPLES))
    return load(EXAMPLES / f"{name}.py")


def load(path):
    """A file as a module, which is not kept."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(name, folder, *arguments):
    """Run a script as a user does, in a folder; return what it printed."""
    environment = {**os.environ, "KERAS_SALIENCY_CACHE": str(folder / "cache")}
    return subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py", *arguments],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=500,
    ).stdout
