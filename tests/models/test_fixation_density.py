"""The density of any model: fitted, kept, and its maps."""

import json
import shutil
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
from scipy.special import logsumexp

from keras_saliency import datasets, evaluation, models, weights
from keras_saliency.datasets import Fixations, SaliencyDataset
from keras_saliency.densities import METRIC_MAPS
from keras_saliency.models import FixationDensity
from keras_saliency.models.classic import CenterBias

SIZE = (48, 64)
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def made():
    return datasets.generate(count=8, size=SIZE, seed=2)


def truth_of(dataset):
    """A function from an image of a generated set to its true density."""
    known = {
        dataset.image(i).tobytes(): dataset.true_density(i)
        for i in range(len(dataset))
    }
    return lambda image: known[image.tobytes()]


@pytest.fixture(scope="module")
def density(made):
    return FixationDensity(truth_of(made)).fit(made, verbose=0)


def network():
    images = keras.Input((24, 32, 3))
    maps = keras.layers.Conv2D(
        1, 3, strides=2, padding="same", activation="sigmoid"
    )(keras.layers.Rescaling(1 / 255)(images))
    return keras.Model(images, maps)


def write_maps(folder, dataset):
    folder.mkdir()
    for i, name in enumerate(dataset.names):
        map_ = dataset.true_density(i)
        map_ = np.rint(255 * map_ / map_.max()).astype("uint8")
        cv2.imwrite(str(folder / f"{name}.png"), map_)
    return folder


def test_log_density_sums_to_one(density, made):
    for size in (None, (33, 500), (300, 200), (1, 1)):
        logs = density.log_density(made.image(0), size)
        assert logs.shape == (size or SIZE) and logs.dtype == np.float64
        np.testing.assert_allclose(logsumexp(logs), 0, atol=1e-10)


@pytest.mark.slow
def test_what_a_model_may_be(made, tmp_path):
    """Each makes a density, for a data set and for one image."""
    files = tmp_path / "images"
    files.mkdir()
    paths = []
    for i, name in enumerate(made.names):
        paths.append(files / f"{name}.png")
        cv2.imwrite(str(paths[-1]), made.image(i)[..., ::-1])
    for model in (
        network(),
        CenterBias(),
        "center_bias",
        write_maps(tmp_path / "maps", made),
        str(tmp_path / "maps"),
        {name: made.true_density(i) for i, name in enumerate(made.names)},
        truth_of(made),
    ):
        density = FixationDensity(model).fit(made, verbose=0)
        assert density.fitted.report["images"] == 8
        logs = density.log_density(str(paths[3]))
        np.testing.assert_allclose(logsumexp(logs), 0, atol=1e-10)
        result = evaluation.evaluate(density, made, "nss", verbose=0)
        expected = evaluation.nss(
            prediction=np.exp(logs), fixations=made.fixation_map(3)
        )
        np.testing.assert_allclose(result.scores["nss"][3], expected, rtol=1e-4)


def test_fit_raises_the_information_gain(density, made):
    bits = density.fitted.report["bits"]
    floor = FixationDensity("center_bias").fit(made, verbose=0)
    assert bits > floor.fitted.report["bits"] + 0.3
    scores = evaluation.evaluate(
        density,
        made,
        {"information_gain": {"repeats": True, "minmax": False}},
        verbose=0,
    )
    # The images are smaller than the grid of the fit.
    np.testing.assert_allclose(
        scores.means()["information_gain"], bits, atol=0.05
    )


@pytest.mark.slow
def test_cross_validation_is_reported(made, capsys):
    density = FixationDensity(truth_of(made)).fit(made, folds=4)
    report = density.fitted.report
    assert report["cross_validated_bits"] < report["bits"]
    assert "/8" in capsys.readouterr().out
    for folds in (1, 9):
        with pytest.raises(ValueError, match="folds must be 2 to 8"):
            density.fit(made, folds=folds, verbose=0)


@pytest.mark.slow
def test_adapts_to_other_data(made):
    """Fitted to half of the images of a set, it predicts the other half."""
    other = datasets.generate(count=8, size=SIZE, seed=5)
    # Where nobody looks at the center.
    fixations = other.fixations
    moved = SaliencyDataset(
        "moved",
        [other.image(i) for i in range(8)],
        fixations=Fixations(
            fixations.image_index,
            np.where(fixations.x < 32, fixations.x / 4, 63 - fixations.x / 4),
            fixations.y,
        ),
    )
    density = FixationDensity(lambda image: image.mean(-1)).fit(made, verbose=0)
    held = moved.subset(slice(4, None))
    before = evaluation.evaluate(density, held, "nss", verbose=0).means()
    density.fit(moved.subset(slice(4)), verbose=0)
    after = evaluation.evaluate(density, held, "nss", verbose=0).means()
    assert after["nss"] > before["nss"] + 0.3


def test_kept_beside_the_model(density, made, tmp_path):
    path = tmp_path / "deep.density.json"
    density.save(path)
    assert json.loads(path.read_text())["report"]["dataset"] == "generated"
    loaded = FixationDensity.load(path, density.model)
    for metric in METRIC_MAPS:
        np.testing.assert_allclose(
            loaded.saliency_map(made.image(0), metric=metric),
            density.saliency_map(made.image(0), metric=metric),
            rtol=1e-2,
            err_msg=metric,
        )
    np.testing.assert_array_equal(
        loaded.log_density(made.image(0)), density.log_density(made.image(0))
    )
    with pytest.raises(ValueError, match="give the model too"):
        FixationDensity.load(path)
    named = FixationDensity("center_bias").fit(made, verbose=0)
    named.save(path)
    assert isinstance(FixationDensity.load(path).model, CenterBias)
    assert "center_bias, fitted to 8 images of generated" in repr(named)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"format": 9}',
        '{"format": 1, "report": {}, "transform": {}, "truth": {}}',
    ],
)
def test_damaged_files_are_named(content, tmp_path):
    path = tmp_path / "x.density.json"
    path.write_text(content)
    with pytest.raises(ValueError, match="x.density.json is damaged"):
        FixationDensity.load(path, "uniform")
    with pytest.raises(FileNotFoundError):
        FixationDensity.load(tmp_path / "none.json", "uniform")


def test_damaged_numbers_are_named(density, tmp_path):
    path = tmp_path / "x.density.json"
    density.save(path)
    whole = json.loads(path.read_text())
    for part, name, value in [
        ("transform", "aspect", 2.0),
        ("truth", "sigma", -1.0),
        ("truth", "baseline", [[0.0, -1.0]]),
        ("truth", "baseline", [1.0]),
    ]:
        content = json.loads(json.dumps(whole))
        content[part][name] = value
        path.write_text(json.dumps(content))
        with pytest.raises(ValueError, match="is damaged"):
            FixationDensity.load(path, "uniform")


def test_before_it_is_fitted(made):
    density = FixationDensity("uniform")
    assert "not fitted" in repr(density)
    for call in (
        lambda: density.log_density(made.image(0)),
        lambda: density.saliency_map(made.image(0), metric="cc"),
        lambda: density.save("x"),
        lambda: evaluation.evaluate(density, made, verbose=0),
        lambda: evaluation.evaluate(
            density, made, maps="per_metric", verbose=0
        ),
    ):
        with pytest.raises(ValueError, match="not fitted"):
            call()


def test_what_cannot_be_fitted(made, tmp_path):
    density = FixationDensity("uniform")
    images = [made.image(i) for i in range(2)]
    for fixations, message in [
        (Fixations([], [], []), "no fixation inside"),
        (Fixations([0, 1], [-5.0, 70.0], [3.0, 3.0]), "no fixation inside"),
        (None, "density maps only"),
    ]:
        empty = SaliencyDataset(
            "empty",
            images,
            fixations=fixations,
            densities=[np.ones(SIZE)] * 2,
        )
        with pytest.raises(ValueError, match=message):
            density.fit(empty, verbose=0)
    with pytest.raises(ValueError, match="generated_0000.*NaN or infinity"):
        FixationDensity(lambda image: np.full(SIZE, np.nan)).fit(
            made, verbose=0
        )
    with pytest.raises(ValueError, match="received int"):
        FixationDensity(3)
    with pytest.raises(FileNotFoundError):
        FixationDensity("no such model")
    maps = write_maps(tmp_path / "maps", made)
    density = FixationDensity(maps).fit(made, verbose=0)
    with pytest.raises(ValueError, match="give the path of the image"):
        density.log_density(images[0])
    with pytest.raises(ValueError, match="no map for the metric"):
        density.saliency_map(images[0], metric="best")


@pytest.mark.parametrize(
    "model",
    [
        lambda image: np.zeros(image.shape[:2]),
        lambda image: np.full(image.shape[:2], 5.0),
        lambda image: np.eye(*image.shape[:2]) - 0.5,
        lambda image: np.zeros((2, 2)),
    ],
    ids=["zeros", "constant", "negative", "another size"],
)
@pytest.mark.quick("zeros|negative")
def test_poor_maps_have_a_finite_density(model, made):
    """Zeros at fixations, and nothing at all: the center bias remains."""
    one = SaliencyDataset(
        "some",
        [made.image(i) for i in range(3)],
        # One image has no fixation.
        fixations=Fixations([0, 0, 2], [5.0, 60.0, 30.0], [5.0, 40.0, 20.0]),
    )
    density = FixationDensity(model).fit(one, verbose=0)
    assert density.fitted.report["images"] == 2
    for metric in METRIC_MAPS:
        map_ = density.saliency_map(made.image(0), metric=metric)
        assert np.isfinite(map_).all() and map_.min() >= 0, metric
    result = evaluation.evaluate(
        density, made, [*METRIC_MAPS], maps="per_metric", verbose=0
    )
    assert all(np.isfinite(values).all() for values in result.scores.values())


@pytest.mark.further
def test_a_published_model_by_name(made):
    density = FixationDensity("bundled").fit(made.subset([0, 1]), verbose=0)
    assert density.name == "bundled"
    assert isinstance(density.model, models.DensityNet)


PUBLISHED = [
    *Path(weights.__file__).parent.glob("*.density.json"),
    *REPOSITORY.glob("weights/*.density.json"),
]


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.name)
def test_published_densities_belong_to_the_published_files(path):
    """A model that is replaced needs its density fitted anew."""
    name = path.name.removesuffix(".density.json")
    report = json.loads(path.read_text())["report"]
    (entry,) = (e for e in weights.entries() if e.name == name)
    assert report["sha256"] == entry.sha256


@pytest.mark.further
def test_the_density_of_the_models_file(made, tmp_path):
    model = network()
    model.save(tmp_path / "mine.keras")
    with pytest.raises(ValueError, match="There is no .*mine.density.json"):
        FixationDensity.published(tmp_path / "mine.keras")
    density = FixationDensity(model).fit(made, verbose=0)
    density.save(tmp_path / "mine.density.json")
    again = FixationDensity.published(tmp_path / "mine.keras")
    np.testing.assert_allclose(
        again.log_density(made.image(0)),
        density.log_density(made.image(0)),
        rtol=1e-5,
    )
    with pytest.raises(ValueError, match="Of gbvs no density is published"):
        FixationDensity.published("gbvs")
    # Of a published file, one that was fitted to another file.
    with pytest.raises(ValueError, match="was fitted to another file"):
        FixationDensity.published(
            "bundled", path=tmp_path / "mine.density.json"
        )
    own = FixationDensity.published("bundled")
    assert own.fitted.report["dataset"] == "MIT1003"


def test_a_density_belongs_to_its_file(made, tmp_path):
    path = tmp_path / "mine.keras"
    network().save(path)
    fitted = tmp_path / "mine.density.json"
    FixationDensity(path).fit(made, verbose=0).save(fitted)
    assert FixationDensity.published(path).fitted is not None
    assert FixationDensity.load(fitted).name == str(path)
    network().save(path)
    for load in (
        lambda: FixationDensity.published(path),
        lambda: FixationDensity.load(fitted),
    ):
        with pytest.raises(ValueError, match=f"another file of {path}: fit"):
            load()
    # Whoever names the model knows what it is.
    assert FixationDensity.load(fitted, network()).fitted is not None


def test_a_published_file_by_its_path(tmp_path):
    file = weights.find("bundled")
    for source in (file, file.with_name("bundled.density.json")):
        shutil.copy(source, tmp_path / source.name)
    density = FixationDensity.published(tmp_path / file.name)
    assert density.fitted.report["model"] == "bundled"
