"""Importing the package is cheap."""

import subprocess
import sys

import pytest


def modules_after(statement):
    script = f"{statement}; import sys; print(*sorted(sys.modules))"
    return set(
        subprocess.run(
            [sys.executable, "-c", script],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()
    )


@pytest.mark.slow
def test_heavy_packages_wait_until_they_are_used():
    ours = modules_after("import keras_saliency")
    keras = modules_after("import keras")
    assert "keras_saliency.losses" in ours
    for package in ("matplotlib", "ot", "scipy.optimize", "pandas"):
        assert package not in ours or package in keras, package


def test_no_network_while_importing():
    script = (
        "import socket\n"
        "def refuse(*args, **kwargs):\n"
        "    raise AssertionError('network')\n"
        "socket.socket.connect = refuse\n"
        "socket.getaddrinfo = refuse\n"
        "import keras_saliency\n"
        "keras_saliency.losses.get('LC2')\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
