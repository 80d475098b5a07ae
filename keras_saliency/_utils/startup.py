"""What the command does before the backend is imported: it is kept quiet."""

import contextlib
import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
# None of it is set where the user has set it.
_QUIET = {
    _LEVEL: "3",
    # OpenCV and its FFmpeg speak of damaged files, as we do ourselves.
    "OPENCV_LOG_LEVEL": "SILENT",
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
}


def is_command() -> bool:
    """Return whether this process is `keras-saliency` in any of its forms.

    While `python -m keras_saliency` imports the package, "-m" stands in the
    place of the script's name.
    """
    program = sys.argv[0] if sys.argv else ""
    return program == "-m" or Path(program).stem in (
        "keras-saliency",
        "keras-saliency-script",
    )


def quiet() -> None:
    """Import Keras, and keep libraries from writing to standard error.

    TensorFlow writes lines about the machine before it reads its own
    variable, so all that is written during the import is held back. It is
    shown if the import fails, or if `TF_CPP_MIN_LOG_LEVEL` is 0 or 1.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    if os.environ[_LEVEL] not in ("0", "1"):
        with _held_back():
            importlib.import_module("keras")


@contextlib.contextmanager
def _held_back() -> Iterator[None]:
    try:
        shown = os.dup(2)
    except OSError:  # it is closed
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(shown, held.read())
            raise
        finally:
            os.dup2(shown, 2)
            os.close(shown)


if is_command():
    quiet()
