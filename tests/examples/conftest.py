"""The example scripts, run in the tests' own process on a little data."""

import keras
import pytest
import running

from keras_saliency import datasets


@pytest.fixture
def example(tmp_path, monkeypatch):
    """A function that runs a script's `main` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_SALIENCY_CACHE", str(tmp_path / "cache"))

    def run(name, *arguments):
        running.script(name).main([str(argument) for argument in arguments])

    yield run
    # Graphs of one test are not kept for the next.
    keras.backend.clear_session()


@pytest.fixture
def few_images(monkeypatch):
    """Scripts without `--data` make few images."""
    generate = datasets.generate
    monkeypatch.setattr(datasets, "generate", lambda count: generate(15))


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """A folder with images that have the size of nothing in particular."""
    made = datasets.generate(count=30, seed=1)
    made.name = "made"
    folder = tmp_path_factory.mktemp("data") / "made"
    datasets.to_compact(made, folder, progress=False)
    return folder
