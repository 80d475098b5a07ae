import os

import cv2
import numpy as np
import publisher_layouts as layouts
import pytest
from scipy.io import savemat

from keras_saliency import datasets
from keras_saliency.datasets import generate, load_folder


@pytest.fixture
def root(tmp_path):
    """Four images of two sizes with density and fixation maps."""
    for what in ("images/sub", "maps/sub", "points/sub"):
        (tmp_path / what).mkdir(parents=True)
    for k, size in enumerate([(24, 32), (20, 30)]):
        source = generate(2, size, seed=k)
        for i in range(2):
            name = f"sub/p{k}{i}" if k else f"p{k}{i}"
            extension = ("jpg", "png")[i]
            _write(
                tmp_path / f"images/{name}.{extension}",
                source.image(i)[..., ::-1],
            )
            density = source.density(i)
            _write(tmp_path / f"maps/{name}.png", np.rint(200 * density))
            counts = source.fixation_map(i)
            _write(tmp_path / f"points/{name}.png", 255 * (counts > 0))
    return tmp_path


def _write(path, image):
    assert cv2.imwrite(str(path), np.asarray(image).astype("uint8"))


def test_densities_and_fixations(root):
    dataset = load_folder(
        root / "images",
        densities=root / "maps",
        fixations=root / "points",
    )
    assert dataset.names == ("p00", "p01", "sub/p10", "sub/p11")
    assert dataset.sizes.tolist() == [[24, 32]] * 2 + [[20, 30]] * 2
    assert dataset.has_fixations and dataset.has_densities
    source = generate(2, (20, 30), seed=1)
    np.testing.assert_allclose(dataset.density(3), source.density(1), atol=5e-3)
    np.testing.assert_array_equal(
        dataset.fixation_map(3), source.fixation_map(1) > 0
    )
    assert dataset.density(0, (6, 8)).max() == 1
    # Each lit pixel is counted once at a smaller size too.
    assert dataset.fixation_map(3, (5, 7)).sum() == dataset.count(3)


def test_densities_alone(root):
    dataset = load_folder(root / "images", densities=root / "maps")
    assert not dataset.has_fixations
    assert "density maps only" in repr(dataset)


def test_fixations_alone(root):
    dataset = load_folder(
        images=root / "images", fixations=root / "points", default_sigma=2.0
    )
    assert not dataset.has_densities
    assert dataset.sigma(0) == 2
    assert dataset.density(0).max() == 1


def test_arrays_of_counts_and_densities(root):
    for name in ("p00", "p01", "sub/p10", "sub/p11"):
        size = (20, 30) if "sub" in name else (24, 32)
        counts = np.zeros(size, "int32")
        counts[3, 4] = 5
        counts[7, 9] = 1
        for what in ("maps", "points"):
            (root / what / f"{name}.png").unlink()
            np.save(root / what / f"{name}.npy", counts)
    dataset = load_folder(
        root / "images",
        densities=root / "maps",
        fixations=root / "points",
    )
    assert dataset.count(0) == 6
    assert dataset.fixation_map(2)[3, 4] == 5
    assert dataset.density(2)[7, 9] == pytest.approx(0.2)


def test_jpeg_fixation_maps_have_a_threshold(root):
    counts = np.zeros((20, 30), "uint8")
    counts[8, 9] = 255
    (root / "points/sub/p10.png").unlink()
    path = root / "points/sub/p10.jpg"
    assert cv2.imwrite(str(path), counts, [cv2.IMWRITE_JPEG_QUALITY, 90])
    assert (cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 0).sum() > 1
    dataset = load_folder(root / "images", fixations=root / "points")
    assert dataset.count(dataset.index("sub/p10")) == 1


def test_other_files_are_passed_over(root):
    (root / "images/Thumbs.db").write_bytes(b"x")
    (root / "images/._p00.jpg").write_bytes(b"x")
    (root / "maps/readme.txt").write_text("x")
    assert len(load_folder(root / "images", densities=root / "maps")) == 4


def test_missing_and_empty_folders(root):
    with pytest.raises(FileNotFoundError, match="of images .*nope does not"):
        load_folder(root / "nope", densities=root / "maps")
    with pytest.raises(FileNotFoundError, match="density maps .*nope does not"):
        load_folder(root / "images", densities=root / "nope")
    with pytest.raises(FileNotFoundError, match="it is a file"):
        load_folder(root / "images", densities=root / "maps/p00.png")
    (root / "empty").mkdir()
    with pytest.raises(ValueError, match="empty has no file ending in"):
        load_folder(root / "empty", densities=root / "maps")
    with pytest.raises(ValueError, match="needs densities=, fixations="):
        load_folder(root / "images")


def test_unmatched_files(root):
    (root / "maps/p01.png").rename(root / "maps/p01x.png")
    with pytest.raises(FileNotFoundError, match=r"1 of 4 .*images/p01\.png"):
        load_folder(root / "images", densities=root / "maps")
    _write(root / "maps/p01.png", np.ones((24, 32)))
    with pytest.raises(ValueError, match=r"no image, the first .*p01x\.png"):
        load_folder(root / "images", densities=root / "maps")


def test_two_files_of_one_name(root):
    _write(root / "images/p00.png", np.ones((24, 32)))
    with pytest.raises(ValueError, match=r"p00\.jpg and .*p00\.png"):
        load_folder(root / "images", densities=root / "maps")


@pytest.mark.parametrize("what", ["maps", "points"])
def test_map_of_another_size(root, what):
    _write(root / what / "p01.png", np.ones((32, 24)))
    with pytest.raises(
        ValueError, match=r"p01\.png is 32 high and 24 wide.*24"
    ):
        load_folder(
            root / "images",
            densities=root / "maps",
            fixations=root / "points",
        )


def test_map_that_changes_size_after_loading(root):
    dataset = load_folder(root / "images", densities=root / "maps")
    _write(root / "maps/p01.png", np.ones((32, 24)))
    with pytest.raises(ValueError, match=r"p01\.png is 32 high"):
        dataset.density(1)


@pytest.mark.parametrize("what", ["images", "maps", "points"])
def test_file_that_cannot_be_read(root, what):
    (root / what / "p01.png").write_bytes(b"not an image")
    with pytest.raises(ValueError, match=rf"{what}.p01\.png cannot be read"):
        load_folder(
            root / "images",
            densities=root / "maps",
            fixations=root / "points",
        )


@pytest.mark.parametrize(
    "value, message", [(np.nan, "NaN"), (-1, "negative"), (None, "zero every")]
)
def test_bad_values_in_a_density_map(root, value, message):
    density = np.ones((24, 32), "float32")
    density[3, 4] = 0 if value is None else value
    if value is None:
        density[:] = 0
    (root / "maps/p01.png").unlink()
    np.save(root / "maps/p01.npy", density)
    dataset = load_folder(root / "images", densities=root / "maps")
    with pytest.raises(ValueError, match=rf"p01\.npy .*{message}"):
        dataset.density(1)


def test_density_given_as_fixation_map(root):
    (root / "points/p01.png").unlink()
    np.save(root / "points/p01.npy", np.full((24, 32), 0.5))
    with pytest.raises(ValueError, match=r"p01\.npy holds .*no whole numbers"):
        load_folder(root / "images", fixations=root / "points")


def test_empty_fixation_map(root):
    _write(root / "points/p01.png", np.zeros((24, 32)))
    dataset = load_folder(root / "images", fixations=root / "points")
    with pytest.raises(ValueError, match="'p01' of images has no fixation"):
        dataset.density(1)
    both = load_folder(
        root / "images",
        densities=root / "maps",
        fixations=root / "points",
    )
    assert both.density(1).max() == 1
    assert both.fixation_map(1).sum() == 0


def test_folders_and_back(tmp_path):
    layouts.cat2000(tmp_path / "s")
    dataset = datasets.load_cat2000(tmp_path / "s", partial=True)
    datasets.to_folders(dataset, tmp_path / "f", progress=False)
    back = datasets.load_tree(tmp_path / "f")
    assert back.names == tuple(sorted(dataset.names))
    for i, name in enumerate(back.names):
        k = dataset.index(name)
        np.testing.assert_array_equal(
            back.fixation_map(i), dataset.fixation_map(k)
        )
        np.testing.assert_allclose(
            back.density(i), dataset.density(k), atol=1e-4
        )
        np.testing.assert_array_equal(back.image(i), dataset.image(k))


def test_repeated_fixations_survive_folders(tmp_path):
    dataset = datasets.SaliencyDataset(
        "twice",
        [np.zeros((9, 9, 3), "uint8")] * 2,
        fixations=datasets.Fixations([0, 0, 1], [4, 4, 2], [4, 4, 2]),
    )
    datasets.to_folders(dataset, tmp_path / "f", progress=False)
    back = datasets.load_tree(tmp_path / "f")
    assert [back.count(i) for i in range(2)] == [2, 1]


def test_images_without_fixations_and_progress(tmp_path, capsys):
    dataset = datasets.SaliencyDataset(
        "none",
        [np.zeros((9, 9, 3), "uint8")],
        fixations=datasets.Fixations([], [], []),
    )
    path = datasets.to_folders(dataset, tmp_path / "f")
    assert "1 of 1 images" in capsys.readouterr().out
    # MIT1003's map without an image is passed over.
    stray = "i05june05_static_street_boston_p1010764fixPts.jpg"
    _write(path / "fixations" / stray, np.zeros((9, 9)))
    back = datasets.load_tree(path)
    assert len(back) == 1 and back.count(0) == 0


def _fixation_folder(root, extension, map_, parameters=()):
    for name in ("images", "points"):
        (root / name).mkdir(exist_ok=True)
    _write(root / "images/a.png", np.full((*map_.shape, 3), 128, "uint8"))
    path = root / f"points/a{extension}"
    path.unlink(missing_ok=True)
    if extension == ".npy":
        np.save(path, map_)
    elif extension == ".mat":
        savemat(path, {"fixLocs": map_})
    else:
        assert cv2.imwrite(str(path), map_, list(parameters))
    return lambda: (
        load_folder(root / "images", fixations=root / "points").fixations
    )


@pytest.mark.parametrize("extension", [".png", ".jpg", ".npy", ".mat", ".bmp"])
@pytest.mark.parametrize("sigma", [1.5, 4, 20])
def test_density_given_as_fixations(tmp_path, extension, sigma):
    map_ = np.zeros((60, 80), "float32")
    map_[[20, 20, 50], [30, 60, 12]] = 1
    map_ = cv2.GaussianBlur(map_, (0, 0), sigma)
    for peak, kind in ((255, "uint8"), (100, "uint8"), (65535, "uint16")):
        if kind == "uint16" and extension in (".jpg", ".bmp"):
            continue
        density = np.rint(map_ / map_.max() * peak).astype(kind)
        load = _fixation_folder(tmp_path, extension, density)
        with pytest.raises(ValueError, match=rf"a\{extension} .*density map"):
            load()


@pytest.mark.parametrize("extension", [".png", ".jpg", ".npy", ".mat", ".bmp"])
@pytest.mark.parametrize("count", [0, 1, 300])
def test_points_are_no_density(tmp_path, extension, count):
    """Even many, in one corner, several on some pixels."""
    rng = np.random.default_rng(0)
    counts = np.zeros((60, 80), "uint8")
    rows, columns = rng.integers(0, 60, count), rng.integers(0, 80, count)
    np.add.at(counts, (rows, columns), 1)
    right = (
        int(counts.sum()) if extension == ".npy" else np.count_nonzero(counts)
    )
    if extension == ".jpg":
        for quality in (60, 75, 95):
            load = _fixation_folder(
                tmp_path,
                ".jpg",
                255 * (counts > 0).astype("uint8"),
                (cv2.IMWRITE_JPEG_QUALITY, quality),
            )
            assert len(load()) == pytest.approx(right, rel=0.1)
        return
    assert len(_fixation_folder(tmp_path, extension, counts)()) == right


def test_a_folder_for_each_observer(root):
    for observer, names in (("BEN", ("p00",)), ("ANNA", ("p00", "sub/p10"))):
        for k, name in enumerate(names):
            counts = np.zeros((20, 30) if "sub" in name else (24, 32))
            counts[3, 4 + k] = 255
            path = root / "observers" / observer / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, counts)
    (root / "observers/.hidden").mkdir()
    dataset = load_folder(
        root / "images", fixations=root / "observers", observers=True
    )
    assert dataset.subject_names == ("ANNA", "BEN")
    assert dataset.fixations.image_index.tolist() == [0, 2, 0]
    assert dataset.fixations.subject.tolist() == [0, 0, 1]
    assert dataset.fixations.x.tolist() == [4.5, 5.5, 4.5]
    assert dataset.with_fixations().names == ("p00", "sub/p10")
    anna = dataset.with_observers("ANNA")
    assert len(anna) == 4 and [anna.count(i) for i in range(4)] == [1, 0, 1, 0]
    assert dataset.with_observers(1).fixations.image_index.tolist() == [0]
    with pytest.raises(ValueError, match="observer 'EVE'; .*'ANNA', 'BEN'"):
        dataset.with_observers("EVE")
    _write(root / "observers/BEN/p99.png", np.ones((24, 32)))
    with pytest.raises(ValueError, match=r"no image, the first .*BEN.p99\.png"):
        load_folder(
            root / "images", fixations=root / "observers", observers=True
        )


def test_folders_of_observers_that_are_missing(root):
    with pytest.raises(ValueError, match="observers=True needs the folder"):
        load_folder(root / "images", root / "maps", observers=True)
    (root / "flat").mkdir()
    for folder in (root / "flat", root / "nope"):
        with pytest.raises(FileNotFoundError, match="one for each observer"):
            load_folder(root / "images", fixations=folder, observers=True)


def test_observers_of_published_densities_are_not_told_apart(root):
    dataset = load_folder(
        root / "images", densities=root / "maps", fixations=root / "points"
    )
    with pytest.raises(ValueError, match="observer 'ANNA'; those .*none"):
        dataset.with_observers("ANNA")


def test_published_densities_of_images_without_fixations(tmp_path):
    source = generate(2, (18, 24))
    density = [source.density(i) for i in range(2)]
    dataset = datasets.SaliencyDataset(
        "some",
        source.images,
        fixations=source.fixations.select(source.fixations.image_index == 0),
        densities=density,
    )
    back = datasets.load_tree(
        datasets.to_folders(dataset, tmp_path / "f", progress=False)
    )
    assert back.count(1) == 0
    np.testing.assert_allclose(back.density(1), density[1], atol=1e-4)


@pytest.mark.parametrize("extension", [".tif", ".tiff"])
def test_densities_in_float_tiff(tmp_path, extension):
    source = generate(1, (18, 24))
    for what in ("images", "maps"):
        (tmp_path / what).mkdir()
    _write(tmp_path / "images/a.png", source.image(0))
    density = source.density(0)
    assert cv2.imwrite(str(tmp_path / f"maps/a{extension}"), density)
    dataset = load_folder(tmp_path / "images", densities=tmp_path / "maps")
    np.testing.assert_array_equal(dataset.density(0), density)


def test_links_to_folders_are_followed(root):
    for what in ("images", "maps", "points"):
        folder = root.parent / f"elsewhere_{what}"
        (root / what / "sub").rename(folder)
        (root / what / "sub").symlink_to(folder)
        (folder / "loop").symlink_to(root / what)
    dataset = load_folder(root / "images", densities=root / "maps")
    assert list(dataset.names) == ["p00", "p01", "sub/p10", "sub/p11"]


def test_a_folder_that_cannot_be_read(root, monkeypatch):
    scan = os.scandir

    def refused(path):
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(datasets.DatasetError, match="images .*Permission"):
        load_folder(root / "images", densities=root / "maps")
