import numpy as np
import pytest

from keras_saliency import datasets
from keras_saliency.datasets import (
    DatasetError,
    DatasetNotFoundError,
    SaliencyDataset,
    generate,
    to_compact,
    to_folders,
)
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


@pytest.mark.parametrize("write", [np.save, np.savez_compressed])
def test_an_error_within_names_the_folder_to_be(tmp_path, write):
    """Not the temporary one, nothing of which is left."""
    path = tmp_path / "set.v2"
    with pytest.raises(DatasetError, match=r"set\.v2 cannot .*No such file"):
        with writing.new_folder(path) as folder:
            write(folder / "none" / "x.npy", np.zeros(3))
    image = np.zeros((3, 4, 3), "uint8")
    with pytest.raises(DatasetError, match=r"set\.v2/a/b\.png cannot"):
        with writing.new_folder(path) as folder:
            (folder / "a").touch()
            writing.write_image(folder / "a" / "b.png", image)
    with pytest.raises(DatasetNotFoundError, match="^the image$"):
        with writing.new_folder(path):
            raise DatasetNotFoundError("the image")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", [to_compact, to_folders])
@pytest.mark.parametrize(
    "name",
    [
        "{root}/photo.jpg",
        "../photo",
        "a/../../photo",
        r"..\photo",
        r"C:\a",
        "C:a",
    ],
)
def test_names_that_lead_out_of_the_folder(tmp_path, write, name):
    """Such as the paths of the images, which would be overwritten."""
    name = name.format(root=tmp_path)
    (tmp_path / "photo.jpg").write_bytes(b"mine")
    made = generate(2, (20, 30))
    dataset = SaliencyDataset(
        "made",
        [made.image(0), made.image(1)],
        names=["inside", name],
        fixations=made.fixations,
    )
    with pytest.raises(DatasetError, match=r"photo|C:.*leads out.*names=") as e:
        write(dataset, tmp_path / "out", progress=False)
    assert repr(name) in str(e.value)
    assert [path.name for path in tmp_path.rglob("*")] == ["photo.jpg"]
    assert (tmp_path / "photo.jpg").read_bytes() == b"mine"


@pytest.mark.parametrize("write", [to_compact, to_folders])
def test_names_with_folders_and_dots(tmp_path, write):
    made = generate(2, (20, 30))
    dataset = SaliencyDataset(
        "made",
        [made.image(0), made.image(1)],
        names=["a/b..c", "d..e"],
        fixations=made.fixations,
    )
    write(dataset, tmp_path / "out", progress=False)
    assert datasets.load_path(tmp_path / "out").names == ("a/b..c", "d..e")
