import numpy as np
import pytest

from keras_saliency.datasets import DatasetError
from keras_saliency.datasets.formats import writing


def test_a_folder_appears_whole(tmp_path):
    path = tmp_path / "a/b"
    path.mkdir(parents=True)
    with writing.new_folder(path) as folder:
        writing.write_density(folder / "maps/x.png", np.ones((3, 4)))
        assert list(path.iterdir()) == []
    assert [p.name for p in path.iterdir()] == ["maps"]
    with pytest.raises(DatasetError, match="b is not empty"):
        with writing.new_folder(path):
            pass
    assert [p.name for p in path.parent.iterdir()] == ["b"]


def test_what_cannot_be_written(tmp_path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(DatasetError, match="file/new cannot be written"):
        with writing.new_folder(file / "new"):
            pass
    image = np.zeros((3, 4, 3), "uint8")
    with pytest.raises(DatasetError, match=r"a\.png cannot be written"):
        writing.write_image(file / "a.png", image)
