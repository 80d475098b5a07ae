"""What happens when Keras is imported, which nothing here does by itself.

Importing the package imports neither Keras nor NumPy. Whenever Keras is
imported, by whomever, the package's classes are made known to it afterwards,
so that `keras.models.load_model` finds them; and the command keeps it quiet.
"""

import contextlib
import importlib.util
import os
import re
import sys
import threading
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

from keras_saliency._utils.errors import NotInstalledError

_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
# None of it is set where the user has set it.
_QUIET = {
    _LEVEL: "3",
    # OpenCV and its FFmpeg speak of damaged files, as we do ourselves.
    "OPENCV_LOG_LEVEL": "SILENT",
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
}
_BACKENDS = ("tensorflow", "jax", "torch")
# What comes with a backend, by the extra keras.
_WITH_KERAS = ("keras", "scipy", "h5py", "matplotlib", "ot")
# What runs exported models, and the extra that installs the first.
_RUNTIMES = ("onnxruntime", "ai_edge_litert", "openvino")
_WITHOUT_KERAS = "onnx"
_OPENCV_MISSING = (
    "keras_saliency needs OpenCV: install opencv-python, or "
    "opencv-python-headless on a machine without a screen; not both."
)
# Libraries of screens, which opencv-python needs.
_SCREEN = re.compile(r"lib(GL|gthread)")


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


def prepare(package: str, register: Callable[[], object]) -> None:
    """Prepare a process for the import of Keras; call once.

    Args:
        package: Name of this package.
        register: Function that imports what Keras must know. It is called as
            soon as Keras and what has begun to be imported here are there.
    """
    # Later, `python -m` has put its script's name in the place of "-m".
    command = is_command()
    if command:
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
    elif "KERAS_BACKEND" not in os.environ and not any(
        map(_is_installed, (*_BACKENDS, *_RUNTIMES))
    ):
        advice = _install(*_BACKENDS, _WITHOUT_KERAS)
        warnings.warn(advice, stacklevel=3)
    if "keras" in sys.modules:
        register()
    else:
        sys.meta_path.insert(0, _Watch(package, register, quiet=command))


class _Watch:
    """Acts around the import of Keras and of the modules of this package.

    It finds no module itself: it asks the finders that come after it.
    """

    def __init__(
        self, package: str, register: Callable[[], object], *, quiet: bool
    ) -> None:
        self._prefix = f"{package}."
        self._register = register
        self._quiet = quiet
        # Those that import a module of these.
        self._threads: set[int] = set()
        self._lock = threading.Lock()

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: types.ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Return how to import a module, if it is one of these."""
        if fullname != "keras" and not fullname.startswith(self._prefix):
            return None
        # Those before it were asked already.
        for finder in sys.meta_path[sys.meta_path.index(self) + 1 :]:
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(  # type: ignore[assignment]
                        spec.loader, self
                    )
                return spec
        return None

    @contextlib.contextmanager
    def importing(self, module: types.ModuleType) -> Iterator[None]:
        """Act before and after a module's code is run."""
        name, thread = module.__name__, threading.get_ident()
        outermost = thread not in self._threads
        self._threads.add(thread)
        try:
            with contextlib.ExitStack() as stack:
                if name == "keras" and self._quiet:
                    stack.enter_context(_held_back())
                yield
        except ImportError as error:
            if outermost and name != "keras":
                _explain(error)
            raise
        finally:
            # Other threads need not wait for a module that is whole. Neither
            # may this one wait for theirs: the last that imports registers.
            module.__spec__._initializing = False  # type: ignore[union-attr]
            if outermost:
                self._threads.remove(thread)
        with self._lock:
            if self._threads or "keras" not in sys.modules:
                return
            if self not in sys.meta_path:
                return
            sys.meta_path.remove(self)
        try:
            self._register()
        except ImportError as error:
            _explain(error)
            raise


class _Loader:
    """The loader of a module, with a watch over the execution of its code."""

    def __init__(self, loader: Any, watch: _Watch) -> None:
        self._loader = loader
        self._watch = watch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def exec_module(self, module: types.ModuleType) -> None:
        # From here on the module has the loader that it would have had.
        module.__loader__ = self._loader
        assert module.__spec__ is not None
        module.__spec__.loader = self._loader
        with self._watch.importing(module):
            self._loader.exec_module(module)


def _explain(error: ImportError) -> None:
    """Raise an error that says what to install, if that is what is missing."""
    missing = (error.name or "").split(".")[0]
    if missing == "cv2" or _SCREEN.search(str(error)):
        raise NotInstalledError(f"{_OPENCV_MISSING} ({error})") from error
    if not isinstance(error, ModuleNotFoundError):
        return
    if missing in _WITH_KERAS:
        raise NotInstalledError(
            f"This needs {missing}, which is not installed: install one of "
            f"{_extras(*_BACKENDS)}; what predicts without Keras is "
            f"{_extras(_WITHOUT_KERAS)}. ({error})"
        ) from error
    if missing in _BACKENDS:
        there = [name for name in _BACKENDS if _is_installed(name)]
        advice = (
            f"Keras is asked for {missing}, which is not installed: set the "
            f"environment variable KERAS_BACKEND={there[0]}."
            if there
            else _install(*_BACKENDS)
        )
        raise NotInstalledError(f"{advice} ({error})") from error


def _install(*extras: str) -> str:
    return f"Nothing here runs a network: install one of {_extras(*extras)}."


def _extras(*names: str) -> str:
    return ", ".join(f"keras_saliency[{name}]" for name in names)


def _is_installed(name: str) -> bool:
    return name in sys.modules or importlib.util.find_spec(name) is not None


@contextlib.contextmanager
def _held_back() -> Iterator[None]:
    """Hold back what the command writes to standard error.

    TensorFlow writes lines about the machine before it reads its own
    variable. All is shown if an error is raised, or if
    `TF_CPP_MIN_LOG_LEVEL` is 0 or 1.
    """
    if os.environ.get(_LEVEL) in ("0", "1"):
        yield
        return
    try:
        shown = os.dup(2)
    except OSError:  # it is closed
        yield
        return
    import tempfile

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
