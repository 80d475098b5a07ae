"""Maps are computed once, and anew for another model or other images."""

import numpy as np
import pytest

from keras_saliency import datasets, experiments, models


def test_maps_are_kept(tmp_path):
    dataset = datasets.generate(count=3, size=(32, 48))
    model = models.FastNet((32, 48, 3), filters=(2,) * 5, depth=2)
    path = tmp_path / "maps.npz"
    first = experiments.kept_maps(model, dataset, path)
    assert tuple(first) == dataset.names
    written = path.stat().st_mtime_ns
    again = experiments.kept_maps(model, dataset, path)
    assert path.stat().st_mtime_ns == written
    for name in dataset.names:
        np.testing.assert_array_equal(first[name], again[name])
    few = experiments.kept_maps(model, dataset.subset([2, 0]), path)
    assert tuple(few) == (dataset.names[2], dataset.names[0])
    np.testing.assert_allclose(
        few[dataset.names[2]], first[dataset.names[2]], atol=1e-6
    )
    model.set_weights([weight + 0.1 for weight in model.get_weights()])
    other = experiments.kept_maps(model, dataset, path)
    assert not np.array_equal(other[dataset.names[0]], first[dataset.names[0]])


def test_maps_in_files(tmp_path):
    dataset = datasets.generate(count=2, size=(32, 48))
    folder = tmp_path / "maps"
    folder.mkdir()
    for i, name in enumerate(dataset.names):
        np.save(folder / f"{name}.npy", dataset.true_density(i))
    maps = experiments.kept_maps(folder, dataset, tmp_path / "maps.npz")
    np.testing.assert_allclose(
        maps[dataset.names[1]], dataset.true_density(1), rtol=1e-6
    )


def test_maps_of_changed_images_are_made_anew(tmp_path):
    def first_pixel(image):
        return np.full((4, 6), image[0, 0, 0], np.float32)

    pictures = [np.full((4, 6, 3), i, np.uint8) for i in range(5)]
    names = ["a", "b", "c"]
    path = tmp_path / "maps.npz"

    def kept(*which):
        dataset = datasets.SaliencyDataset(
            "made",
            [pictures[i] for i in which],
            names=names,
            densities=[np.ones((4, 6))] * 3,
        )
        maps = experiments.kept_maps(first_pixel, dataset, path)
        return [float(map_.max()) for map_ in maps.values()]

    assert kept(0, 1, 2) == [0, 1, 2]
    assert kept(0, 3, 4) == [0, 3, 4]
    path.write_bytes(b"not a file of maps")
    with pytest.warns(UserWarning, match=r"maps\.npz is damaged"):
        assert kept(0, 3, 4) == [0, 3, 4]
