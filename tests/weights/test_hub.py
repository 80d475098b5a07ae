"""The documents' recipe for the Hugging Face Hub, on a folder as the hub."""

import re
from pathlib import Path

import fake_hub
import keras
import numpy as np
import pytest

from keras_saliency import models

ROOT = Path(__file__).resolve().parents[2]
IMAGES = np.random.default_rng(0).integers(0, 256, (1, 192, 256, 3))


@pytest.fixture
def hub(tmp_path, monkeypatch):
    fake_hub.put(tmp_path / "hub", monkeypatch)
    return tmp_path / "hub"


@pytest.mark.further
def test_recipe(hub, monkeypatch):
    monkeypatch.chdir(ROOT)
    text = (ROOT / "docs/weights.md").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"## On a hub.*?```python\n(.*?)```", text, re.S)
    names = {}
    exec(recipe, names)
    assert isinstance(names["model"], models.DensityNet)
    np.testing.assert_array_equal(
        *(
            keras.ops.convert_to_numpy(model(IMAGES))
            for model in (names["model"], models.get("bundled"))
        )
    )
    card = (hub / "USER/saliency-bundled/README.md").read_text(encoding="utf-8")
    assert card.startswith('---\nlibrary_name: "keras"\n')
