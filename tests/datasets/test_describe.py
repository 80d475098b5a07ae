import numpy as np
import pytest

from keras_saliency import datasets


def test_info():
    dataset = datasets.generate(3, (24, 32))
    info = dataset.info()
    assert info["images"] == 3
    assert info["observers"] == 8
    assert info["fixations"] == info["used"] == 192
    assert info["height"] == (24, 24)
    assert "observers             8\n" in repr(info)
    assert dataset.categories is None


def test_info_without_fixations():
    dataset = datasets.SaliencyDataset(
        "maps",
        [np.zeros((4, 5, 3), "uint8")],
        names=["Art/1"],
        densities=[np.ones((4, 5))],
    )
    info = dataset.info()
    assert "fixations" not in info
    assert info["densities"] == "published"
    assert info["categories"] == 1
    assert "pixels per degree  unknown" in repr(info)


def test_info_of_real_sets(mit1003_path, osie_path):
    info = datasets.load_compact(mit1003_path).info()
    assert (info["images"], info["observers"]) == (1003, 15)
    assert (info["fixations"], info["used"]) == (119432, 104147)
    info = datasets.load_compact(osie_path).info()
    assert (info["images"], info["observers"]) == (700, 15)
    assert info["fixations"] == 98321
    scene = osie_path.parent / "Scene"
    if scene.exists():
        info = datasets.load_compact(scene).info()
        assert (info["images"], info["observers"]) == (500, 12)
        assert info["fixations"] == 43894


def test_figures(tmp_path):
    dataset = datasets.generate(3, (24, 32))
    figure = dataset.show(1, path=tmp_path / "one.png")
    assert len(figure.axes) == 2
    line = figure.axes[0].lines[0]
    assert len(line.get_xdata()) == dataset.count(1)
    dataset.show(dataset.names[0], size=(48, 64))
    figure = dataset.show_mean_density((12, 16), path=tmp_path / "mean.pdf")
    assert (tmp_path / "one.png").stat().st_size > 1000
    assert (tmp_path / "mean.pdf").stat().st_size > 1000
    marginal = figure.axes[0].lines[0].get_ydata()
    assert marginal.mean() == pytest.approx(1)
