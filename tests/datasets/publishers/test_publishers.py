import importlib
import json

import numpy as np
import publisher_layouts as layouts
import pytest

from keras_saliency import datasets, images
from keras_saliency.datasets import DatasetError


def check(dataset, expected, first_order=0, tolerance=1e-6):
    assert set(dataset.names) == set(expected)
    for i, name in enumerate(dataset.names):
        rows = dataset.fixations.image_index == i
        found = np.stack(
            [
                dataset.fixations.subject[rows],
                dataset.fixations.x[rows],
                dataset.fixations.y[rows],
            ],
            axis=1,
        )
        wanted = np.array(expected[name], float)
        assert found.shape == wanted.shape
        found, wanted = (a[np.lexsort(a.round().T)] for a in (found, wanted))
        np.testing.assert_allclose(found, wanted, atol=tolerance)
        assert dataset.image(i).shape[:2] == tuple(dataset.sizes[i])
        assert dataset.density(i, (12, 16)).max() == 1


@pytest.mark.parametrize("name", sorted(layouts.LAYOUTS))
def test_layout_is_read_back(name, tmp_path):
    expected = layouts.LAYOUTS[name](tmp_path)
    dataset = datasets.DATASETS[name](tmp_path, partial=True)
    # MIT1003's fixations are medians of noisy samples.
    check(dataset, expected, tolerance=0.1 if name == "mit1003" else 1e-4)


def publish(monkeypatch, name, count):
    """Make so many images all that were published."""
    module = importlib.import_module(
        f"keras_saliency.datasets.publishers.{name}"
    )
    if name == "salicon":
        count = {"train": count}
    monkeypatch.setattr(module, "IMAGE_COUNT", count)


@pytest.mark.parametrize("name", sorted(layouts.LAYOUTS))
def test_images_that_are_missing_are_named(name, tmp_path, monkeypatch):
    expected = layouts.LAYOUTS[name](tmp_path)
    publish(monkeypatch, name, len(expected))
    load = datasets.DATASETS[name]
    complete = load(tmp_path)
    assert set(complete.names) == set(expected)
    gone = complete.names[1]
    complete.images[1].unlink()
    count = len(expected)
    message = (
        f"has {count - 1} images, the data set {count}; missing are 1 that "
        f"have fixations, such as {gone}[.] .*partial=True"
    )
    with pytest.raises(datasets.DatasetNotFoundError, match=message):
        load(tmp_path)
    part = load(tmp_path, partial=True)
    assert part.names == complete.names[:1] + complete.names[2:]
    rest = complete.subset(part.names).fixations
    np.testing.assert_array_equal(part.fixations.x, rest.x)
    np.testing.assert_array_equal(part.fixations.image_index, rest.image_index)


def test_missing_images_of_other_forms_are_named(tmp_path, monkeypatch):
    layouts.salicon(tmp_path / "salicon", "json")
    publish(monkeypatch, "salicon", 3)
    next((tmp_path / "salicon").rglob("*124.jpg")).unlink()
    with pytest.raises(FileNotFoundError, match="as COCO_train2014_0+124[.]"):
        datasets.load_salicon(tmp_path / "salicon")
    layouts.mit1003(tmp_path / "mit")
    (tmp_path / "mit/DATA").rename(tmp_path / "elsewhere")
    publish(monkeypatch, "mit1003", 3)
    (tmp_path / "mit/ALLSTIMULI/i1001.jpeg").unlink()
    with pytest.raises(FileNotFoundError, match="such as i1001[.]"):
        datasets.load_mit1003(tmp_path / "mit")


def test_images_missing_with_their_fixations(tmp_path, monkeypatch):
    layouts.fiwi(tmp_path)
    publish(monkeypatch, "fiwi", 3)
    with pytest.raises(FileNotFoundError, match="the data set 3[.] Copy"):
        datasets.load_fiwi(tmp_path)


def test_mit1003_drops_the_forced_fixation(tmp_path):
    expected = layouts.mit1003(tmp_path)
    dataset = datasets.load_mit1003(tmp_path, partial=True)
    assert dataset.subject_names == ("CNG", "ajs")
    assert dataset.first_order == 1
    assert dataset.names == ("i1001", "i2002", layouts.LONG)
    for i, name in enumerate(dataset.names):
        assert dataset.count(i) == len(expected[name]) - 2
    every = datasets.load_mit1003(tmp_path, first_order=0, partial=True)
    assert every.count(0) == len(expected["i1001"])
    assert not dataset.has_densities
    duration = dataset.fixations.duration
    assert ((duration > 280) & (duration < 320)).all()


def test_mit1003_published_maps(tmp_path):
    layouts.mit1003(tmp_path)
    dataset = datasets.load_mit1003(tmp_path, published=True, partial=True)
    assert dataset.has_densities
    own = datasets.load_mit1003(tmp_path, partial=True).density(0, sigma=6.0)
    assert np.corrcoef(own.ravel(), dataset.density(0).ravel())[0, 1] > 0.98


def test_mit1003_from_maps_alone(tmp_path):
    expected = layouts.mit1003(tmp_path)
    (tmp_path / "DATA").rename(tmp_path / "elsewhere")
    dataset = datasets.load_mit1003(tmp_path, partial=True)
    assert dataset.first_order == 0
    for i, name in enumerate(dataset.names):
        points = {
            (int(x), int(y)) for x, y in zip(*_points(dataset, i), strict=True)
        }
        wanted = {
            (int(x), int(y)) for _, x, y in expected[name] if (x, y) != (48, 48)
        }
        assert points == wanted


def _points(dataset, i):
    return dataset.fixation_points(i)


def test_mit1003_lacks_recordings(tmp_path):
    layouts.mit1003(tmp_path, maps=False)
    (tmp_path / "DATA/ajs/i2002.mat").unlink()
    with pytest.raises(FileNotFoundError, match=r"1 of 3 .*i2002\.jpeg"):
        datasets.load_mit1003(tmp_path, partial=True)
    (tmp_path / "DATA").rename(tmp_path / "elsewhere")
    with pytest.raises(DatasetError, match=r"get DATA\.zip"):
        datasets.load_mit1003(tmp_path, partial=True)


def test_cat2000_has_categories_and_published_maps(tmp_path):
    layouts.cat2000(tmp_path)
    dataset = datasets.load_cat2000(tmp_path, partial=True)
    assert dataset.categories == ("Action",) * 3 + ("Pattern",) * 3
    assert dataset.has_densities
    assert not datasets.load_cat2000(
        tmp_path, published=False, partial=True
    ).has_densities


@pytest.mark.parametrize("form", ["gaze", "I", "json", "json_xy"])
def test_salicon_forms(tmp_path, form):
    expected = layouts.salicon(tmp_path, form)
    check(datasets.load_salicon(tmp_path, partial=True), expected)
    if form != "gaze":
        with pytest.raises(DatasetError, match="not kind='location'"):
            datasets.load_salicon(tmp_path, kind="location", partial=True)


def test_salicon_samples(tmp_path):
    expected = layouts.salicon(tmp_path)
    check(
        datasets.load_salicon(tmp_path, kind="location", partial=True), expected
    )
    with pytest.raises(ValueError, match="kind must be"):
        datasets.load_salicon(tmp_path, kind="gaze", partial=True)
    with pytest.raises(FileNotFoundError, match="images/val"):
        datasets.load_salicon(tmp_path, part="val", partial=True)


def test_salicon_json_is_read_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.publishers.salicon, "_CHUNK", 7)
    expected = layouts.salicon(tmp_path, "json")
    check(datasets.load_salicon(tmp_path, partial=True), expected)
    file = tmp_path / "fixations_train2014.json"
    text = file.read_text()
    for stop in (20, len(text) // 2, len(text) - 2):
        file.write_text(text[:stop])
        with pytest.raises(DatasetError, match="fixations_train2014"):
            datasets.load_salicon(tmp_path, partial=True)


def test_osie_durations_and_order(tmp_path):
    layouts.osie(tmp_path)
    fixations = datasets.load_osie(tmp_path, partial=True).fixations_of(0)
    own = fixations.select(fixations.subject == 1)
    assert own.order.tolist() == [0, 1, 2, 3, 4]
    assert own.duration.tolist() == [100, 101, 102, 103, 104]


def test_tree_of_msi_net(tmp_path):
    expected = layouts.mit1003(tmp_path / "source")
    maps = tmp_path / "source/ALLFIXATIONMAPS/ALLFIXATIONMAPS"
    target = tmp_path / "mit1003"
    target.mkdir()
    (tmp_path / "source/ALLSTIMULI").rename(target / "stimuli")
    for folder, suffix in (("saliency", "Map"), ("fixations", "Pts")):
        (target / folder).mkdir()
        for file in maps.glob(f"*_fix{suffix}.jpg"):
            file.rename(target / folder / file.name)
    dataset = datasets.load_tree(target)
    assert set(dataset.names) == set(expected)
    assert dataset.has_densities and dataset.has_fixations
    assert dataset.name == "mit1003"


def test_tree_of_sam(tmp_path):
    expected = layouts.salicon(tmp_path, "I")
    dataset = datasets.load_tree(tmp_path, part="train")
    check(dataset, expected)
    assert dataset.has_densities
    with pytest.raises(FileNotFoundError, match="images|stimuli"):
        datasets.load_tree(tmp_path, part="val")


def test_images_with_exif_rotation(tmp_path):
    layouts.cat2000(tmp_path)
    file = tmp_path / "trainSet/Stimuli/Pattern/134.jpg"
    data = file.read_bytes()
    tag = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03"
    tag += b"\0\0\0\x01\0\x06\0\0\0\0\0\0"
    segment = b"\xff\xe1" + (len(tag) + 2).to_bytes(2, "big") + tag
    file.write_bytes(data[:2] + segment + data[2:])
    assert images.read_image(file).shape == (96, 54, 3)
    # CAT2000 has such an image, and its rotation is wrong.
    dataset = datasets.load_cat2000(tmp_path, partial=True)
    i = dataset.index("Pattern/134")
    assert tuple(dataset.sizes[i]) == (54, 96)
    assert dataset.image(i).shape == (54, 96, 3)
    assert dataset.subset([i]).image(0).shape == (54, 96, 3)


def osie_of(**fields):
    """A table of OSIE whose only record is of the image 1001."""
    observer = {"fix_x": np.ones(2), "fix_y": np.ones(2)}
    record = {"img": "1001.jpg", "subjects": observer} | fields
    return {"fixations": layouts.cell([record])[:, None]}


@pytest.mark.parametrize(
    "name, file, variables, message",
    [
        ("osie", "fixations.mat", osie_of(img=3.0), "where the name of an im"),
        (
            "osie",
            "fixations.mat",
            osie_of(subjects={"fix_x": np.ones(2), "fix_y": np.ones(3)}),
            "unequal numbers .* for image 1001",
        ),
        ("osie", "fixations.mat", {"x": 1.0}, "no variable 'fixations', but x"),
        (
            "toronto",
            "origfixdata.mat",
            {"white": layouts.cell(["text"] * 11)[None]},
            "for the image .*1.jpg; expected a map",
        ),
        (
            "pascal_s",
            "pascalFix.mat",
            {"fixCell": layouts.cell([np.full((2, 3), np.nan)] * 11)[None]},
            "NaN or infinity .*1.jpg",
        ),
        ("cat2000", "001.mat", {"a": 1.0, "b": 2.0}, "no map 'fixLocs', but"),
        ("cat2000", "001.mat", {"fixLocs": "text"}, "expected numbers"),
        ("cat2000", "001.mat", {"x": np.ones((9, 8))}, "is 9 high and 8 wide"),
        ("mit1003", "i1001.mat", {"a": 1.0, "b": 1.0}, "no variable 'i1001'"),
        (
            "mit1003",
            "i1001.mat",
            {"other": {"DATA": np.zeros((0, 0))}},
            "an empty DATA",
        ),
        (
            "mit1003",
            "i1001.mat",
            {"i1001": {"DATA": {"eyeData": np.zeros((0, 2))}}},
            "no eye samples",
        ),
        (
            "salicon",
            "COCO_train2014_000000000123.mat",
            {"gaze": 1.0, "resolution": np.array([[3, 4]])},
            r"of resolution \[3.0, 4.0\], not \(48, 64\)",
        ),
    ],
)
def test_tables_that_are_wrong(tmp_path, name, file, variables, message):
    layouts.LAYOUTS[name](tmp_path)
    path = sorted(tmp_path.rglob(file))[0]
    layouts.mat(path, **variables)
    with pytest.raises(DatasetError, match=rf"(?s){path.name}.*{message}"):
        datasets.DATASETS[name](tmp_path, partial=True)


@pytest.mark.parametrize(
    "entry, message",
    [
        ({"fixations": [[1, 2]]}, "annotation that cannot be read"),
        ({"image_id": 123, "fixations": [[1, 2, 3]]}, "not pairs"),
        ({"image_id": 123, "fixations": [[1], [2, 3]]}, "cannot be read"),
    ],
)
def test_salicon_annotations_that_are_wrong(tmp_path, entry, message):
    layouts.salicon(tmp_path, "json")
    file = tmp_path / "fixations_train2014.json"
    content = json.loads(file.read_text())
    # An image that is not there is passed over.
    content["images"].append({"id": 9, "file_name": "elsewhere.jpg"})
    content["annotations"].append({"image_id": 9, "fixations": [[1, 1]]})
    file.write_text(json.dumps(content))
    assert len(datasets.load_salicon(tmp_path, partial=True)) == 3
    content["annotations"].append(entry)
    file.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=f"train2014.json .*{message}"):
        datasets.load_salicon(tmp_path, partial=True)
    content["images"].append({"id": 10})
    file.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match="image without 'file_name'"):
        datasets.load_salicon(tmp_path, partial=True)


def test_folders_that_are_missing(tmp_path):
    layouts.mit1003(tmp_path / "mit", maps=False)
    with pytest.raises(FileNotFoundError, match="no ALLFIXATIONMAPS, which"):
        datasets.load_mit1003(tmp_path / "mit", published=True)
    (tmp_path / "mit/DATA").rename(tmp_path / "elsewhere")
    (tmp_path / "mit/DATA").mkdir()
    with pytest.raises(FileNotFoundError, match="no folder of an observer"):
        datasets.load_mit1003(tmp_path / "mit")
    layouts.salicon(tmp_path / "salicon")
    (tmp_path / "salicon/fixations").rename(tmp_path / "fixations")
    with pytest.raises(FileNotFoundError, match="neither fixations/train"):
        datasets.load_salicon(tmp_path / "salicon")
    with pytest.raises(FileNotFoundError, match="it is a file"):
        datasets.load_osie(tmp_path / "mit/ALLSTIMULI/i1001.jpeg")
    layouts.osie(tmp_path / "osie")
    (tmp_path / "osie/data/eye/fixations.mat").unlink()
    with pytest.raises(FileNotFoundError, match="the file of fixations"):
        datasets.load_osie(tmp_path / "osie")
