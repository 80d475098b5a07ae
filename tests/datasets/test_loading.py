"""A folder is opened by what it holds."""

import publisher_layouts as layouts
import pytest

from keras_saliency import datasets


def test_each_form_of_a_folder(tmp_path):
    made = datasets.generate(2, (20, 30))
    datasets.to_compact(made, tmp_path / "compact", progress=False)
    assert datasets.load_path(tmp_path / "compact", name="mine").name == "mine"
    datasets.to_folders(made, tmp_path / "folders", progress=False)
    assert len(datasets.load_path(tmp_path / "folders")) == 2
    for name, layout in layouts.LAYOUTS.items():
        expected = layout(tmp_path / name.upper())
        opened = datasets.load_path(tmp_path / name.upper(), partial=True)
        assert set(opened.names) == set(expected), name
    layouts.LAYOUTS["osie"](tmp_path / "elsewhere")
    opened = datasets.load_path(
        tmp_path / "elsewhere", name="OSIE", partial=True
    )
    assert opened.name == "OSIE"
    with pytest.raises(datasets.DatasetNotFoundError, match="has 3 images"):
        datasets.load_path(tmp_path / "elsewhere", name="OSIE")


def test_a_folder_that_is_no_data_set(tmp_path):
    with pytest.raises(datasets.DatasetNotFoundError, match="no folder"):
        datasets.load_path(tmp_path / "missing")
    (tmp_path / "mine").mkdir()
    with pytest.raises(ValueError, match="'mine'; known are mit1003"):
        datasets.load_path(tmp_path / "mine")
