"""What a machine without Keras must do, and how fast: `alone.py IMAGE`.

Runs in an environment of NumPy, OpenCV, ONNX Runtime and the data package of
weights alone, in a folder that is no checkout.
"""

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

# That of this environment, whatever the path holds.
COMMAND = Path(sys.executable).with_name("keras-saliency")


def main(image):
    """Print what was measured; raise if something is wrong."""
    for package in ("keras", "scipy", "h5py", "matplotlib", "ot"):
        assert importlib.util.find_spec(package) is None, package
    for words in ("--help", "--version", "weights list"):
        quick(0.5, *words.split())
    path = quick(None, "weights", "get", "best").strip()
    assert Path(path).parent.name == "keras_saliency_weights", path
    for options in ((), ("--overlay",)):
        quick(1.5, "predict", image, "-o", "map.png", *options)
        Path("map.png").unlink()
    said = quick(None, "predict", image, "-o", "map.png", "--model", "gbvs")
    assert "keras_saliency[tensorflow]" in said, said


def quick(seconds, *words):
    """Run the command; return what it said.

    The limit is one of the processor's seconds: others use the machine too.
    """
    before, begin = os.times(), time.perf_counter()
    done = subprocess.run([COMMAND, *words], capture_output=True, text=True)
    taken, after = time.perf_counter() - begin, os.times()
    busy = after.children_user - before.children_user
    busy += after.children_system - before.children_system
    print(f"{taken:.2f} s, of the processor {busy:.2f}: {' '.join(words)}")
    assert seconds is None or done.returncode == 0, done.stderr
    assert seconds is None or busy < seconds, f"over {seconds} s"
    return done.stdout + done.stderr


if __name__ == "__main__":
    main(*sys.argv[1:])
