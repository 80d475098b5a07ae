"""What stands in for programs that are typed in a document."""

import argparse
import configparser
import contextlib
import importlib.metadata
import re
import sys
from unittest import mock

import keras
import running

from keras_saliency import cli


class Understood(Exception):
    """The words of a command were read, and are right."""


def keras_saliency(words):
    """Run the package's command in this process; return its status."""
    return cli.main(words)


def script(path, words):
    """Let a script of the checkout read its words, and stop there.

    These commands stand in the documents as the sources of numbers: they take
    real data and hours. What they do is tested in `tests/examples` on little.
    """
    read = argparse.ArgumentParser.parse_args

    def parse(parser, args=None, namespace=None):
        read(parser, words if args is None else args, namespace)
        raise Understood

    with _jax():
        if path.parent.name == "examples":
            module = running.script(path.stem)
        else:
            module = running.load(path)
    with (
        mock.patch.object(argparse.ArgumentParser, "parse_args", parse),
        mock.patch.object(sys, "argv", [str(path), *words]),
    ):
        try:
            module.main()
        except Understood:
            return
    raise AssertionError(f"{path.name} does not read its words")


@contextlib.contextmanager
def _jax():
    """Let scripts for JAX be read where it is not installed."""
    names = ("jax", "jax.numpy")
    if _is_installed("jax"):
        yield
        return
    sys.modules.update(dict.fromkeys(names, mock.MagicMock()))
    try:
        yield
    finally:
        # What the scripts share has the stand-in.
        for name in (*names, "lessons"):
            sys.modules.pop(name, None)


def _is_installed(name):
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def backend(environment):
    """The variable of the backend: that of the tests for a missing one."""
    wanted = environment.get("KERAS_BACKEND")
    if wanted is None or _is_installed(wanted):
        return {}
    return {"KERAS_BACKEND": keras.backend.backend()}


def pip(root, words):
    """Check that what is installed exists; CI installs it."""
    config = configparser.ConfigParser()
    config.read(root / "setup.cfg")
    extras = config["options.extras_require"]
    command, *rest = [word for word in words if not word.startswith("-")]
    assert command in ("install", "wheel"), words
    for word in rest:
        folder, _, named = word.partition("[")
        for extra in filter(None, re.split(r"[\],]", named)):
            assert extra in extras, f"no extra {extra!r}"
        if folder.startswith("."):
            names = {path.name for path in (root / folder).iterdir()}
            assert names & {"setup.py", "pyproject.toml"}, folder


def pytest(root, words):
    """Check that the files of a run exist."""
    for word in words:
        if word.startswith("tests/"):
            assert (root / word).exists(), word
