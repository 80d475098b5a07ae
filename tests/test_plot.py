import subprocess
import sys

import numpy as np
import pytest
from matplotlib import colormaps

from keras_saliency import plot


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (30, 40, 3), dtype="uint8")
    map_ = rng.random((15, 20))
    return [[picture, map_, map_[..., None]], [picture / 255, 0 * map_, None]]


@pytest.mark.parametrize("cmap", [*plot._SAME, "hot"])
def test_overlay_is_the_mix_that_is_documented(rows, cmap):
    image = rows[0][0]
    map_ = np.linspace(0, 1, 30 * 40, dtype="float32").reshape(30, 40)
    gray = 0.6 * (image @ [0.299, 0.587, 0.114])[..., None]
    opacity = 0.75 * np.sqrt(map_)[..., None]
    color = 255 * colormaps[cmap](map_)[..., :3]
    expected = (1 - opacity) * gray + opacity * color
    laid = plot.overlay(image, 7 * map_, cmap)
    assert laid.dtype == np.uint8
    difference = np.abs(laid - expected)
    # The last steps of the root are two steps of color each.
    assert difference.max() < 8 and difference.mean() < 1
    np.testing.assert_array_equal(plot.overlay(image / 255, map_, cmap), laid)
    for wrong in ((map_, map_), (image, image)):
        with pytest.raises(ValueError, match="received another"):
            plot.overlay(*wrong)


@pytest.mark.parametrize("overlay", [False, True])
def test_maps(rows, tmp_path, overlay):
    path = tmp_path / "maps.png"
    figure = plot.maps(
        rows,
        ["image", "truth", "model"],
        path,
        labels=["a", "b"],
        overlay=overlay,
    )
    assert path.stat().st_size > 1000
    assert len(figure.axes) == 6
    assert [len(axis.images) for axis in figure.axes] == [1, 1, 1, 1, 1, 0]
    assert figure.axes[2].get_title() == "model"
    assert figure.axes[3].get_ylabel() == "b"
    drawn = figure.axes[1].images[0].get_array()
    assert drawn.shape == ((30, 40, 3) if overlay else (15, 20))
    assert 0 <= drawn.min() and drawn.max() <= (255 if overlay else 1)


def test_leaves_the_panels_alone(rows):
    before = rows[0][1].copy()
    plot.maps(rows)
    np.testing.assert_array_equal(rows[0][1], before)


def test_maps_refuses_what_does_not_fit(rows):
    for bad, options, message in (
        ([], {}, "same length"),
        ([rows[0], rows[1][:2]], {}, "same length"),
        (rows, {"titles": ["one"]}, "titles must be 3"),
        (rows, {"labels": ["one"]}, "labels must be 2"),
        ([[np.zeros(3)]], {}, "A panel must be"),
        ([[np.full((3, 3), np.nan)]], {}, "NaN"),
        ([[np.full((3, 3, 3), 200.0)]], {}, "uint8 or lie in"),
    ):
        with pytest.raises(ValueError, match=message):
            plot.maps(bad, **options)


def test_history(tmp_path):
    logs = {"loss": [3.0, 2.0, 1.0], "val_cc": [0.1, np.nan, 0.3]}
    figure = plot.history(
        {"a": logs, "b": {"loss": [2.0]}},
        ["loss", "val_cc"],
        tmp_path / "curves.svg",
    )
    assert (tmp_path / "curves.svg").exists()
    assert [len(axis.lines) for axis in figure.axes] == [2, 1]
    (names,) = (axis.get_legend() for axis in figure.axes[1:])
    assert [text.get_text() for text in names.get_texts()] == ["a", "b"]
    line = figure.axes[1].lines[0]
    assert line.get_xdata().tolist() == [1, 3]
    with pytest.raises(ValueError, match="No run has logs of 'nss'"):
        plot.history({"a": logs}, "nss")


@pytest.mark.slow
def test_slow_packages_are_imported_late():
    # Keras may import matplotlib itself.
    code = """
import sys, keras

def slow():
    return {n for n in sys.modules if n.split(".")[0] in ("matplotlib", "ot")}

before = slow()
import keras_saliency.plot, keras_saliency.evaluation, keras_saliency.callbacks
assert slow() == before, slow() - before
"""
    subprocess.run([sys.executable, "-c", code], check=True)
