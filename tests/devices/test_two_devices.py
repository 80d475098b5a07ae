"""Two devices give what one gives: losses, metrics, callbacks, evaluate."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

SCRIPT = Path(__file__).parents[1] / "support" / "two_devices.py"


@pytest.mark.slow
def test_two_devices_equal_one():
    done = subprocess.run(
        [sys.executable, SCRIPT],
        capture_output=True,
        text=True,
        timeout=500,
        env={**os.environ, "KERAS_BACKEND": keras.backend.backend()},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    one, two = json.loads(done.stdout.splitlines()[-1])
    assert one.keys() == two.keys()
    assert len(one) > 8
    for key, values in one.items():
        assert two[key] == pytest.approx(values, rel=1e-3, abs=1e-4), key
