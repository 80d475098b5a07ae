"""Fixtures that more than one test module uses."""

import os
import re
from pathlib import Path

import keras
import loopback
import pytest

# Real eye-tracking data and ImageNet weights lie beside the checkout on the
# project's own machines; elsewhere point this variable at a folder with
# data/MIT1003 and weights/, or the tests that need them skip.
SHARED = Path(
    os.environ.get(
        "KERAS_SALIENCY_SHARED",
        Path(__file__).resolve().parents[2] / "shared",
    )
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark cases that a `quick` mark does not name `further`, or as it says."""
    for item in items:
        quick = item.get_closest_marker("quick")
        case = getattr(item, "callspec", None)
        if quick and case and not re.search(quick.args[0], case.id):
            item.add_marker(quick.kwargs.get("others", "further"))


@pytest.fixture(autouse=True)
def _seeded():
    """Initial weights are the same in every run (on one backend)."""
    keras.utils.set_random_seed(0)


def _existing(path):
    if not path.exists():
        pytest.skip(
            f"needs {path.name} in {path.parent} (set KERAS_SALIENCY_SHARED)"
        )
    return path


@pytest.fixture(scope="session")
def mit1003_path():
    return _existing(SHARED / "data" / "MIT1003")


@pytest.fixture(scope="session")
def osie_path():
    return _existing(SHARED / "data" / "OSIE")


@pytest.fixture(scope="session")
def vgg16_weights():
    return _existing(
        SHARED / "weights" / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    )


@pytest.fixture(scope="session")
def resnet50_weights():
    return _existing(SHARED / "weights" / "resnet50_weights_notop_fp16.h5")


@pytest.fixture(scope="session")
def efficientnet_weights():
    """Path of the published file; the variable may name it."""
    file = os.environ.get("KERAS_SALIENCY_EFFICIENTNET_LITE0")
    default = SHARED / "weights" / "efficientnet-lite0-57934424.pth"
    return _existing(Path(file) if file else default)


@pytest.fixture
def server():
    with loopback.running() as running:
        yield running
