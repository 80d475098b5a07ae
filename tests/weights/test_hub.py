"""The documents' recipe for the Hugging Face Hub, on a folder as the hub."""

import re
import shutil
import sys
import types
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_saliency import models

ROOT = Path(__file__).resolve().parents[2]
IMAGES = np.random.default_rng(0).integers(0, 256, (1, 240, 320, 3))


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The client of the hub, as far as Keras and the recipe use it."""

    def folder_of(repo_id):
        return tmp_path / "hub" / repo_id

    def upload_file(*, repo_id, path_or_fileobj, path_in_repo):
        shutil.copy(path_or_fileobj, folder_of(repo_id) / path_in_repo)

    class HfApi:
        def __init__(self, library_name, library_version):
            assert library_name == "keras"

        def create_repo(self, repo_id, exist_ok):
            folder_of(repo_id).mkdir(parents=True, exist_ok=exist_ok)
            return types.SimpleNamespace(repo_id=repo_id)

        def upload_folder(self, *, repo_id, folder_path, commit_message):
            shutil.copytree(folder_path, folder_of(repo_id), dirs_exist_ok=True)

    client = types.ModuleType("huggingface_hub")
    client.HfApi = HfApi
    client.upload_file = upload_file
    client.snapshot_download = lambda *, repo_id, **_: str(folder_of(repo_id))
    monkeypatch.setitem(sys.modules, "huggingface_hub", client)
    monkeypatch.setattr(
        sys.modules["keras.src.saving.saving_lib"], "huggingface_hub", client
    )
    return tmp_path / "hub"


def test_recipe(hub, monkeypatch):
    monkeypatch.chdir(ROOT)
    text = (ROOT / "docs/weights.md").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"## On a hub.*?```python\n(.*?)```", text, re.S)
    names = {}
    exec(recipe, names)
    assert isinstance(names["model"], models.FastNet)
    np.testing.assert_array_equal(
        *(
            keras.ops.convert_to_numpy(model(IMAGES))
            for model in (names["model"], models.get("bundled"))
        )
    )
    card = (hub / "USER/saliency-bundled/README.md").read_text(encoding="utf-8")
    assert card.startswith('---\nlibrary_name: "keras"\n')
