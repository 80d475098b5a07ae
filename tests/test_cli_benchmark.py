"""Submissions to a benchmark from the command line."""

import cv2
import h5py
import numpy as np
import pytest
from scipy.special import logsumexp

from keras_saliency import datasets, evaluation, images
from keras_saliency.cli import main
from keras_saliency.models import FixationDensity


@pytest.fixture(scope="module")
def made():
    return datasets.generate(count=4, size=(40, 56), seed=1)


@pytest.fixture
def folder(made, tmp_path):
    """Images of a folder and a sub-folder, and a file that is none."""
    folder = tmp_path / "images"
    (folder / "more").mkdir(parents=True)
    for i in range(2):
        cv2.imwrite(str(folder / f"i{i}.png"), made.image(i))
    cv2.imwrite(str(folder / "more" / "i0.png"), made.image(2)[:31])
    return folder


@pytest.fixture
def fitted(made, tmp_path):
    path = tmp_path / "center.density.json"
    FixationDensity("center_bias").fit(made, verbose=0).save(path)
    return path


def export(*arguments):
    return main(["benchmark", "export", *map(str, arguments)])


def test_densities_of_a_folder(folder, fitted, tmp_path, capsys):
    out = tmp_path / "new" / "center.hdf5"
    words = "--model", "center_bias", "--density", fitted, "--images", folder
    assert export(*words, "-r", "-o", out) == 0
    assert capsys.readouterr().out.strip() == str(out)
    density = FixationDensity.load(fitted)
    with h5py.File(out) as file:
        assert set(file) == {"i0.png", "i1.png", "more"}
        for name in ("i0.png", "i1.png", "more/i0.png"):
            logs = file[name][:]
            image = images.read_image(folder / name)
            assert logs.dtype == np.float32
            assert logs.shape == image.shape[:2]
            assert abs(logsumexp(logs.astype(float))) < 1e-5
            np.testing.assert_allclose(
                logs, density.log_density(image), rtol=1e-5
            )


def test_maps_are_not_written_over_the_images(folder, fitted, tmp_path, capsys):
    folder = folder.rename(tmp_path / "sim")
    words = "--model", "center_bias", "--density", fitted, "--images", folder
    words += "-o", tmp_path
    before = {path: path.read_bytes() for path in folder.glob("*.png")}
    assert export(*words, "--metrics", "cc", "sim") == 2
    assert "read as images the next time" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in folder.glob("*.png")}
    assert not (tmp_path / "cc").exists()


def test_a_map_for_each_metric(folder, fitted, tmp_path):
    words = "--model", "center_bias", "--density", fitted, "--images", folder
    out = tmp_path / "maps"
    assert export(*words, "-o", out, "--metrics", "sim", "auc_borji") == 0
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*.*")) == [
        "auc_borji/i0.png",
        "auc_borji/i1.png",
        "sim/i0.png",
        "sim/i1.png",
    ]
    map_ = cv2.imread(str(out / "sim" / "i1.png"), cv2.IMREAD_UNCHANGED)
    assert map_.dtype == np.uint16 and map_.max() == 65535
    expected = FixationDensity.load(fitted).saliency_map(
        images.read_image(folder / "i1.png"), metric="sim"
    )
    np.testing.assert_allclose(
        map_ / 65535, expected / expected.max(), atol=1e-5
    )
    assert export(*words, "-o", out, "--metrics", "all", "--format", "npy") == 0
    assert np.load(out / "emd" / "i0.npy").dtype == np.float32
    assert len(list(out.glob("*"))) == 10


def test_a_bad_image_is_skipped(folder, fitted, tmp_path, capsys):
    (folder / "broken.jpg").write_bytes(b"no image")
    words = "--model", "center_bias", "--density", fitted, "--images", folder
    assert export(*words, "-o", tmp_path / "x.h5") == 1
    said = capsys.readouterr().err
    assert "broken.jpg" in said and "1 of 3 images was skipped" in said
    with h5py.File(tmp_path / "x.h5") as file:
        assert set(file) == {"i0.png", "i1.png"}


@pytest.mark.further
def test_nothing_is_left_where_nothing_can_be_read(fitted, tmp_path, capsys):
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "broken.jpg").write_bytes(b"no image")
    words = "--model", "center_bias", "--density", fitted, "--images", folder
    assert export(*words, "-o", tmp_path / "x.h5") == 2
    assert not (tmp_path / "x.h5").exists()
    assert "broken.jpg" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "x.png"], "must end in .hdf5 or .h5"),
        (["-o", "x.h5", "--metrics", "cc"], "written to a folder"),
        (["-o", "x", "--metrics", "best"], "no map for the metric 'best'"),
    ],
)
def test_errors_are_one_line(words, message, folder, fitted, capsys):
    start = "--model", "center_bias", "--density", fitted, "--images", folder
    assert export(*start, *words) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1


def test_a_density_is_needed(folder, tmp_path, capsys):
    words = "--images", folder, "-o", tmp_path / "x.h5"
    assert export("--model", "center_bias", *words) == 2
    assert "Of center_bias no density is published" in capsys.readouterr().err
    assert export("--model", tmp_path / "mine.keras", *words) == 2
    assert "no " in capsys.readouterr().err


@pytest.mark.further
def test_names_that_would_meet(made, folder, fitted, tmp_path, capsys):
    cv2.imwrite(str(folder / "i0.bmp"), made.image(0))
    words = "--model", "center_bias", "--density", fitted, "--images", folder
    assert export(*words, "-o", tmp_path / "m", "--metrics", "cc") == 2
    assert "would have one name" in capsys.readouterr().err
    assert export(*words, "-o", tmp_path / "x.h5") == 0


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.filterwarnings("ignore:.trapz. is deprecated:DeprecationWarning")
def test_pysaliency_reads_and_scores_the_file(tmp_path):
    """Its metrics of the file are those of the benchmark's conventions."""
    pytest.importorskip("pandas", reason="pysaliency needs pandas")
    pysaliency = pytest.importorskip("pysaliency", reason="needs pysaliency")
    made = datasets.generate(count=4, size=(40, 56), seed=1)
    folder = tmp_path / "images"
    datasets.to_folders(made, folder, progress=False)
    dataset = datasets.load_tree(folder)
    density = FixationDensity("spectral_residual").fit(dataset, verbose=0)
    density.save(tmp_path / "spectral.density.json")
    words = "--model", "spectral_residual", "--images", folder / "images"
    out = tmp_path / "x.hdf5"
    fitted = "--density", tmp_path / "spectral.density.json"
    assert export(*words, *fitted, "-o", out) == 0
    stimuli, fixations = datasets.to_pysaliency(dataset)
    model = pysaliency.HDF5Model(stimuli, str(out))
    maps = pysaliency.DensitySaliencyMapModel(model)
    chosen = evaluation.benchmark("mit300-conventions")
    result = chosen.evaluate(density, dataset, verbose=0)
    ours = chosen.means(result, dataset)
    theirs = {
        "information_gain": model.information_gain(
            stimuli, fixations, pysaliency.UniformModel(), average="fixation"
        ),
        "nss": maps.NSS(stimuli, fixations, average="image"),
    }
    if hasattr(np, "trapz"):  # its AUC calls this, which NumPy 2.4 lacks
        theirs["auc"] = maps.AUC(stimuli, fixations, average="image")
        theirs["auc_shuffled"] = maps.AUC(
            stimuli, fixations, nonfixations="shuffled", average="image"
        )
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name], value, rtol=1e-4, err_msg=name)


def test_maps_inside_the_folder_of_images_are_not_read(folder, fitted, capsys):
    words = "--model", "center_bias", "--density", fitted, "--images", folder
    for _ in range(2):
        assert (
            export(*words, "-r", "-o", folder / "maps", "--metrics", "cc") == 0
        )
        found = sorted((folder / "maps").rglob("*.png"))
        assert [
            path.relative_to(folder / "maps").as_posix() for path in found
        ] == [
            "cc/i0.png",
            "cc/i1.png",
            "cc/more/i0.png",
        ]
    assert export(*words, "-r", "-o", folder, "--metrics", "cc") == 2
    assert "Maps would be written to" in capsys.readouterr().err
