"""A folder is opened by what it holds."""

import shutil

import numpy as np
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


def test_a_folder_with_a_text_file_of_fixations(tmp_path):
    made = datasets.generate(2, (20, 30))
    datasets.to_folders(made, tmp_path / "mine", progress=False)
    for part in ("maps", "fixations"):
        shutil.rmtree(tmp_path / "mine" / part)
    text = f"image,x,y\n{made.names[1]},3,4\n"
    (tmp_path / "mine/fixations.csv").write_text(text)
    opened = datasets.load_path(tmp_path / "mine", default_sigma=2.0)
    assert [opened.count(i) for i in range(2)] == [0, 1]
    assert opened.sigma(0) == 2


def test_a_text_file_beside_maps(tmp_path):
    """The maps are used; of two sets of fixations none is chosen."""
    folder = tmp_path / "mine"
    made = datasets.generate(2, (20, 30))
    datasets.to_folders(made, folder, sigma=1.0, progress=False)
    text = f"image,x,y\n{made.names[1]},3,4\n"
    (folder / "fixations.csv").write_text(text)
    with pytest.raises(
        datasets.DatasetError, match=r"mine has .* fixations/ .*fixations\.csv"
    ):
        datasets.load_path(folder)
    shutil.rmtree(folder / "fixations")
    opened = datasets.load_path(folder)
    assert [opened.count(i) for i in range(2)] == [0, 1]
    for i in range(2):
        np.testing.assert_allclose(
            opened.density(i), made.density(i, sigma=1.0), atol=1e-4
        )
    (folder / "maps" / f"{made.names[0]}.png").unlink()
    with pytest.raises(datasets.DatasetNotFoundError, match="no density map"):
        datasets.load_path(folder)


def test_a_folder_that_is_no_data_set(tmp_path):
    with pytest.raises(datasets.DatasetNotFoundError, match="no folder"):
        datasets.load_path(tmp_path / "missing")
    (tmp_path / "mine").mkdir()
    message = "mine holds no data set: neither .* name= may give: mit1003"
    with pytest.raises(datasets.DatasetNotFoundError, match=message):
        datasets.load_path(tmp_path / "mine")
