"""What a notebook shows: data sets, figures, results, maps."""

import re

import cv2
import numpy as np
import pytest
from media import PICTURE, black

from keras_saliency import datasets, evaluation, plot, prediction, weights
from keras_saliency.densities import Fitted
from keras_saliency.densities.metric_maps import Truth
from keras_saliency.densities.transform import Transform
from keras_saliency.experiments import Table


def cells(object_):
    """The cells of the first table, row by row."""
    page = object_._repr_html_()
    rows = re.findall(r"<tr>(.*?)</tr>", page.partition("</table>")[0])
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def image(png):
    return cv2.imdecode(np.frombuffer(png, "uint8"), 1)[..., ::-1]


@pytest.fixture(scope="module")
def result():
    values = np.linspace(0, 1, 5)
    scores = {"cc": values, "kl": 1 - values}
    return evaluation.Evaluation("abcde", scores)


def test_a_data_set_with_its_first_images():
    dataset = datasets.generate(5, (24, 32))
    dataset.name = "<mine>"
    assert ["name", "&lt;mine&gt;"] in cells(dataset)
    assert cells(dataset) == cells(dataset.info())
    assert dataset._repr_html_().count("<img") == 3
    assert 'width="320" height="120"' in dataset._repr_html_()
    # Without a density no image is shown, and nothing fails.
    assert "<img" not in black(["a"])._repr_html_()


def test_results_are_tables(result):
    for shown, text in (
        (result, str(result)),
        (evaluation.compare(result, result), None),
        (Table("mine", {"row": [result]}), None),
    ):
        rows = cells(shown)
        lines = (text or str(shown)).splitlines()
        for row, line in zip(rows, lines[: len(rows)], strict=True):
            for cell in filter(None, row):
                assert cell in line
    rows = cells(weights.entries())
    assert rows[0][:2] == ["name", "what it is"]
    assert "bundled" in [row[0] for row in rows]
    fitted = Fitted(
        Transform(
            blur=0.02, nodes=(0, 1), curve=(0, 1), aspect=0.5, center=(0, 0)
        ),
        Truth(),
        {"images": 3},
    )
    assert ["images", "3"] in cells(fitted)


def test_a_figure_shows_itself(result):
    figure = plot.maps([[PICTURE, PICTURE[..., 0]]])
    assert image(figure._repr_png_()).shape[1] > PICTURE.shape[1]


def test_what_became_of_an_image():
    predictor = prediction.Predictor("center_bias")
    good, bad = predictor.outcomes([PICTURE / 255, PICTURE[..., :2]])
    np.testing.assert_array_equal(
        image(good._repr_png_()), plot.overlay(PICTURE, good.map)
    )
    assert bad._repr_png_() is None
