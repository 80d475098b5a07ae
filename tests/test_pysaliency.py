"""Data sets and models of pysaliency, both ways."""

import cv2
import numpy as np
import pytest

from keras_saliency import datasets, evaluation, models

pysaliency = pytest.importorskip("pysaliency", reason="needs pysaliency")

# pysaliency leaves the files open that it reads the sizes of.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")

SIZE = (24, 32)


@pytest.fixture(scope="module")
def dataset():
    made = datasets.generate(6, SIZE, seed=3)
    made.fixations.duration[:] = np.arange(len(made.fixations)) + 100
    return made


@pytest.fixture(scope="module")
def files(dataset, tmp_path_factory):
    """The same data set in files of the original size."""
    folder = tmp_path_factory.mktemp("files")
    for i, name in enumerate(dataset.names):
        path = folder / "a" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        assert cv2.imwrite(str(path), dataset.image(i)[..., ::-1])
    return datasets.SaliencyDataset(
        "files",
        [folder / "a" / f"{name}.png" for name in dataset.names],
        fixations=dataset.fixations,
    )


def scanpaths(data):
    """What is known of each fixation, in one order."""
    fixations = data.fixations
    columns = [
        getattr(fixations, name)
        for name in ("image_index", "subject", "order", "x", "y", "duration")
    ]
    rows = np.lexsort(columns[2::-1])
    return np.stack([column[rows] for column in columns])


def test_a_data_set_and_back(dataset):
    stimuli, fixations = datasets.to_pysaliency(dataset)
    assert isinstance(fixations, pysaliency.FixationTrains)
    assert isinstance(stimuli, pysaliency.FileStimuli)
    assert list(stimuli.sizes) == [SIZE] * 6
    np.testing.assert_array_equal(stimuli[2].stimulus_data, dataset.image(2))
    part = stimuli[[4, 1]]
    np.testing.assert_array_equal(part[0].stimulus_data, dataset.image(4))
    assert len(fixations) == len(dataset.fixations)


def test_files_stay_files(files, dataset):
    stimuli, fixations = datasets.to_pysaliency(files)
    assert type(stimuli) is pysaliency.FileStimuli
    again = datasets.from_pysaliency(
        stimuli, fixations, name="again", default_sigma=2.0
    )
    assert again.name == "again" and again.sigma(0) == 2
    assert list(again.images) == list(files.images)
    assert again.names == tuple(f"{name}.png" for name in dataset.names)
    np.testing.assert_allclose(scanpaths(again), scanpaths(dataset), rtol=1e-6)
    np.testing.assert_array_equal(again.image(3), dataset.image(3))


def test_images_in_memory(dataset):
    stimuli = pysaliency.Stimuli([dataset.image(i) for i in range(6)])
    _, fixations = datasets.to_pysaliency(dataset)
    again = datasets.from_pysaliency(stimuli, fixations)
    np.testing.assert_allclose(scanpaths(again), scanpaths(dataset), rtol=1e-6)
    np.testing.assert_array_equal(again.image(5), dataset.image(5))


def test_images_that_are_stored_smaller(dataset, tmp_path):
    datasets.to_compact(dataset, tmp_path / "small", longest=16, progress=False)
    small = datasets.load_compact(tmp_path / "small")
    stimuli, _ = datasets.to_pysaliency(small)
    assert stimuli[1].stimulus_data.shape == (*SIZE, 3)
    assert stimuli.shapes[1] == (*SIZE, 3)


def test_observers_that_are_not_known(dataset):
    merged = dataset.subset(slice(None))
    merged.fixations = datasets.Fixations(
        dataset.fixations.image_index, dataset.fixations.x, dataset.fixations.y
    )
    merged._index_fixations()
    _, fixations = datasets.to_pysaliency(merged)
    assert type(fixations) is pysaliency.Fixations
    again = datasets.from_pysaliency(
        pysaliency.Stimuli([dataset.image(i) for i in range(6)]), fixations
    )
    assert (again.fixations.subject == -1).all()
    np.testing.assert_array_equal(again.fixation_map(4), merged.fixation_map(4))


def test_fixations_that_maps_do_not_count_are_left_out(dataset):
    later = dataset.subset(slice(None))
    later.first_order = 1
    later._index_fixations()
    _, fixations = datasets.to_pysaliency(later)
    assert len(fixations) == sum(later.count(i) for i in range(6))
    assert fixations.t.min() == 1


def test_density_maps_alone_are_refused(dataset):
    maps = datasets.SaliencyDataset(
        "maps", [dataset.image(0)], densities=[dataset.density(0)]
    )
    with pytest.raises(ValueError, match="maps has density maps but no fix"):
        datasets.to_pysaliency(maps)


class Brightness(pysaliency.SaliencyMapModel):
    def _saliency_map(self, stimulus):
        return stimulus.mean(axis=-1)


class Uniform(pysaliency.Model):
    def _log_density(self, stimulus):
        height, width = stimulus.shape[:2]
        return np.full((height, width), -np.log(height * width))


def test_models_of_pysaliency_are_scored(dataset):
    by_theirs = evaluation.evaluate(
        Brightness(), dataset, ["cc", "nss"], verbose=0
    )
    by_function = evaluation.evaluate(
        lambda image: image.mean(axis=-1), dataset, ["cc", "nss"], verbose=0
    )
    for name, values in by_function.scores.items():
        np.testing.assert_array_equal(by_theirs.scores[name], values)
    uniform = evaluation.evaluate(
        Uniform(), dataset, ["information_gain", "auc_judd"], verbose=0
    )
    np.testing.assert_allclose(uniform.scores["information_gain"], 0, atol=1e-6)
    np.testing.assert_allclose(uniform.scores["auc_judd"], 0.5)


def test_our_models_are_scored_by_pysaliency(dataset):
    """NSS is the same by both, where no pixel is fixated twice.

    Ours counts a pixel once, as the benchmark's code does.
    """
    dataset = dataset.subset(slice(None))
    x, y = dataset.fixations.x, dataset.fixations.y
    pixels = np.stack([dataset.fixations.image_index, x // 1, y // 1])
    _, first = np.unique(pixels, axis=1, return_index=True)
    dataset.fixations = dataset.fixations.select(first)
    dataset._index_fixations()
    network = models.FastNet((24, 32, 3), filters=(2,) * 5, depth=2)
    stimuli, fixations = datasets.to_pysaliency(dataset)
    for model in ("spectral_residual", network):
        theirs = models.to_pysaliency(model)
        assert isinstance(theirs, pysaliency.SaliencyMapModel)
        assert theirs.saliency_map(stimuli[0]).shape == SIZE
        ours = evaluation.evaluate(model, dataset, ["nss"], verbose=0)
        found = theirs.NSSs(stimuli, fixations)
        means = [found[fixations.n == n].mean() for n in range(6)]
        np.testing.assert_allclose(
            ours.scores["nss"], means, rtol=1e-3, atol=1e-4
        )


def test_only_models(dataset):
    with pytest.raises(ValueError, match="There is no model 'nothing'"):
        models.to_pysaliency("nothing")
