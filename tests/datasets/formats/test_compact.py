import shutil
import zipfile

import cv2
import numpy as np
import publisher_layouts as layouts
import pytest

from keras_saliency import datasets
from keras_saliency.datasets import (
    DatasetError,
    Fixations,
    SaliencyDataset,
    generate,
    load_compact,
    to_compact,
)


@pytest.fixture
def folder(tmp_path):
    """A generated set in the compact form, images at half size."""
    return write_compact(generate(3, (40, 60)), tmp_path / "made")


def write_compact(dataset, folder, **changes):
    (folder / "stimuli").mkdir(parents=True)
    for i, name in enumerate(dataset.names):
        height, width = dataset.sizes[i] // 2
        image = dataset.image(i, (int(height), int(width)))
        path = folder / "stimuli" / f"{name}.jpg"
        assert cv2.imwrite(str(path), image[..., ::-1])
    fixations = dataset.fixations
    fields = {
        field: getattr(fixations, field)
        for field in ("image_index", "x", "y", "subject", "order", "duration")
    }
    fields["names"] = np.array(dataset.names)
    fields["height"], fields["width"] = dataset.sizes.T.astype("int32")
    fields.update(changes)
    np.savez(
        folder / "fixations.npz",
        **{k: v for k, v in fields.items() if v is not None},
    )
    return folder


def test_load(folder):
    source = generate(3, (40, 60))
    dataset = load_compact(folder)
    assert dataset.name == "made"
    assert dataset.names == source.names
    np.testing.assert_array_equal(dataset.sizes, source.sizes)
    assert dataset.image(0).shape == (20, 30, 3)
    np.testing.assert_array_equal(
        dataset.fixation_map(1, (10, 15)), source.fixation_map(1, (10, 15))
    )
    np.testing.assert_array_equal(
        dataset.density(1, sigma=2), source.density(1, sigma=2)
    )
    assert dataset.first_order == 0
    assert dataset.sigma(0) == pytest.approx(24 * 60 / 1024)


def test_defaults_of_known_sets_can_be_overridden(folder):
    dataset = load_compact(folder, name="MIT1003")
    assert dataset.first_order == 1
    assert dataset.default_sigma == 24
    assert dataset.pixels_per_degree == 35
    assert dataset.count(0) < load_compact(folder).count(0)
    dataset = load_compact(
        folder, name="MIT1003", first_order=0, default_sigma=35
    )
    assert dataset.first_order == 0
    assert dataset.default_sigma == 35


def test_observers_by_name(tmp_path):
    dataset = generate(2, (24, 32))
    names = np.array([f"observer {k:02}" for k in range(40)])
    folder = write_compact(
        dataset, tmp_path / "named", subject=names[dataset.fixations.subject]
    )
    loaded = load_compact(folder)
    count = len(np.unique(dataset.fixations.subject))
    assert loaded.subject_names == tuple(names[:count].tolist())
    np.testing.assert_array_equal(
        loaded.fixations.subject, dataset.fixations.subject
    )


def test_missing_parts(folder):
    with pytest.raises(FileNotFoundError, match="nowhere does not exist"):
        load_compact(folder / "nowhere")
    (folder / "stimuli" / "generated_0001.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"generated_0001\.jpg"):
        load_compact(folder)
    shutil.rmtree(folder / "stimuli")
    with pytest.raises(FileNotFoundError, match="stimuli does not exist"):
        load_compact(folder)
    (folder / "fixations.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"fixations\.npz does not"):
        load_compact(folder)


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.98])
def test_damaged_table(folder, keep):
    table = folder / "fixations.npz"
    data = table.read_bytes()
    table.write_bytes(data[: int(keep * len(data)) if keep < 1 else keep])
    with pytest.raises(ValueError, match=r"fixations\.npz is damaged"):
        load_compact(folder)


def test_flipped_bytes_in_the_table_never_crash(folder):
    table = folder / "fixations.npz"
    data = table.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(60):
        changed = bytearray(data)
        for position in rng.integers(0, len(data), 20):
            changed[position] = rng.integers(256)
        table.write_bytes(changed)
        try:
            load_compact(folder)
        except (ValueError, FileNotFoundError) as error:
            assert "made" in str(error)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"duration": None, "x": None}, "lacks the fields x, duration"),
        ({"x": np.zeros(4, "float32")}, "different shapes"),
        ({"height": np.int32(4)}, "different shapes"),
        ({"names": np.array(["a", "b", "c"], object)}, "damaged"),
        (
            {"image_index": np.full(192, 3, "int32")},
            r"fixations\.npz is not usable: .* numbered 0 to 2",
        ),
        ({"height": np.zeros(3, "int32")}, r"'generated_0000'.* is \(0, 60\)"),
    ],
)
def test_bad_fields(tmp_path, changes, message):
    folder = write_compact(generate(3, (40, 60)), tmp_path / "made", **changes)
    with pytest.raises(ValueError, match=message):
        load_compact(folder)


def test_stimulus_that_cannot_be_read(folder):
    dataset = load_compact(folder)
    (folder / "stimuli" / "generated_0001.jpg").write_bytes(b"\xff\xd8 no")
    with pytest.raises(ValueError, match=r"generated_0001\.jpg cannot be read"):
        dataset.image(1)
    (folder / "stimuli" / "generated_0001.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"generated_0001\.jpg"):
        dataset.image(1)


def test_mit1003(mit1003_path):
    """Counts as in the description of the compact form."""
    dataset = load_compact(mit1003_path)
    assert len(dataset) == 1003
    assert (dataset.fixations.order >= 1).sum() == 104_387
    assert sum(dataset.count(i) for i in range(1003)) == 104_147
    assert (dataset.default_sigma, dataset.pixels_per_degree) == (24, 35)
    density = dataset.density(0, (300, 400))
    assert density.max() == 1
    assert dataset.image(0, (300, 400)).shape == (300, 400, 3)


def test_osie(osie_path):
    dataset = load_compact(osie_path)
    assert len(dataset) == 700
    assert len(dataset.fixations) == 98_321
    assert dataset.first_order == 0
    assert dataset.sigma(0) == 24


def same(one, other, *, exact=True):
    assert (one.names, one.name) == (other.names, other.name)
    np.testing.assert_array_equal(one.sizes, other.sizes)
    for option in ("first_order", "default_sigma", "pixels_per_degree"):
        assert getattr(one, option) == getattr(other, option)
    for field in ("image_index", "x", "y", "subject", "order", "duration"):
        np.testing.assert_array_equal(
            getattr(one.fixations, field), getattr(other.fixations, field)
        )
    for i in range(len(one)):
        np.testing.assert_allclose(
            one.density(i, (12, 16)), other.density(i, (12, 16)), atol=2e-5
        )
        image = one.image(i, (24, 32)).astype(float)
        difference = np.abs(image - other.image(i, (24, 32)))
        assert difference.mean() < 4


@pytest.mark.parametrize("name", sorted(layouts.LAYOUTS))
def test_compact_and_back(name, tmp_path):
    layouts.LAYOUTS[name](tmp_path / "source")
    dataset = datasets.DATASETS[name](tmp_path / "source", partial=True)
    path = to_compact(
        dataset, tmp_path / "compact", longest=None, quality=95, progress=False
    )
    compact = datasets.load_compact(path)
    same(dataset, compact)
    assert compact.has_densities == dataset.has_densities
    assert getattr(compact, "subject_names", None) == getattr(
        dataset, "subject_names", None
    )
    again = to_compact(
        compact, tmp_path / "again", quality=None, progress=False
    )
    first = sorted(p.read_bytes() for p in (path / "stimuli").rglob("*.jpg"))
    second = sorted(p.read_bytes() for p in (again / "stimuli").rglob("*.jpg"))
    assert first == second
    same(compact, datasets.load_compact(again))


def test_reduced_images_keep_the_fixations(tmp_path, capsys):
    dataset = datasets.generate(2, (60, 90))
    to_compact(dataset, tmp_path / "c", longest=45)
    assert "2 of 2 images" in capsys.readouterr().out
    compact = datasets.load_compact(tmp_path / "c")
    assert compact.image(0).shape == (30, 45, 3)
    same(dataset, compact)


def test_densities_alone_and_back(tmp_path):
    source = datasets.generate(2, (20, 30))
    dataset = datasets.SaliencyDataset(
        "maps",
        [source.image(i) for i in range(2)],
        densities=[source.density(i) for i in range(2)],
    )
    to_compact(dataset, tmp_path / "c", progress=False)
    compact = datasets.load_compact(tmp_path / "c")
    assert not compact.has_fixations and compact.has_densities
    np.testing.assert_allclose(
        compact.density(1), dataset.density(1), atol=1e-4
    )
    with pytest.raises(DatasetError, match="c is not empty"):
        to_compact(dataset, tmp_path / "c", progress=False)
    datasets.to_folders(dataset, tmp_path / "f", progress=False)
    folders = datasets.load_tree(tmp_path / "f")
    np.testing.assert_allclose(
        folders.density(1), dataset.density(1), atol=1e-4
    )


def test_a_failure_leaves_nothing(tmp_path):
    layouts.fiwi(tmp_path / "s")
    dataset = datasets.load_fiwi(tmp_path / "s", partial=True)
    next((tmp_path / "s").rglob("stimuli/ebay_music.png")).write_bytes(b"x")
    with pytest.raises(DatasetError, match=r"ebay_music\.png"):
        to_compact(dataset, tmp_path / "c", progress=False)
    assert [p.name for p in tmp_path.iterdir()] == ["s"]


def test_compact_that_is_wrong(tmp_path):
    path = to_compact(
        datasets.generate(2, (20, 30)), tmp_path / "c", progress=False
    )
    with np.load(path / "fixations.npz") as archive:
        fields = dict(archive)
    for field, value in (
        ("names", np.zeros(2)),
        ("default_sigma", np.array("wide")),
        ("height", np.array([20.5, 20.5])),
        ("has_fixations", np.array(3)),
    ):
        np.savez(path / "fixations.npz", **(fields | {field: value}))
        with pytest.raises(DatasetError, match=rf"npz .*{field}"):
            datasets.load_compact(path)


def of_names(path, names, size, **fields):
    """A compact folder of images of these names, as others write it."""
    count = len(names)
    points = Fixations(
        np.repeat(np.arange(count), 2),
        np.full(2 * count, 3.0),
        np.full(2 * count, 3.0),
        order=np.tile([0, 1], count),
    )
    image = np.zeros((4, 5, 3), "uint8")
    dataset = SaliencyDataset(
        "x",
        [image] * count,
        names=names,
        sizes=[size] * count,
        fixations=points,
    )
    to_compact(dataset, path, progress=False)
    with np.load(path / "fixations.npz") as file:
        kept = dict(file)
    for stored in ("name", "first_order", "default_sigma"):
        kept.pop(stored, None)
    np.savez(path / "fixations.npz", **kept, **fields)
    return path


@pytest.mark.parametrize("folder_name", ["judd", "mit1003", "osie"])
def test_a_set_is_known_by_its_images(tmp_path, folder_name):
    """Not by what the folder is called."""
    path = tmp_path / folder_name
    names = datasets.paper_split()["test"][:3]
    dataset = load_compact(of_names(path, names, (768, 1024)))
    assert dataset.name == "MIT1003"
    assert (dataset.first_order, dataset.default_sigma) == (1, 24)
    assert dataset.count(0) == 1
    assert load_compact(path, name="mine").first_order == 1
    assert load_compact(path, first_order=0).first_order == 0
    with pytest.raises(DatasetError, match="holds images of MIT1003"):
        load_compact(path, name="osie")


def test_a_folder_called_as_a_set_that_is_none(tmp_path):
    for name in ("MIT1003", "osie"):
        dataset = load_compact(of_names(tmp_path / name, ["a", "b"], (40, 50)))
        assert dataset.name == name
        assert (dataset.first_order, dataset.default_sigma) == (0, None)
    path = of_names(tmp_path / "x", ["1001", "1700"], (600, 800))
    assert load_compact(path).name == "OSIE"
    assert load_compact(path).default_sigma == 24
    path = of_names(tmp_path / "y", ["1001", "1700"], (600, 801))
    assert load_compact(path).default_sigma is None
    # What is stored counts more.
    path = of_names(
        tmp_path / "z", ["1001"], (600, 800), name="mine", default_sigma=9.0
    )
    assert load_compact(path).name == "mine"
    assert load_compact(path).default_sigma == 9


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"default_sigma": 1e300}, "default_sigma must be"),
        ({"default_sigma": -1.0}, "default_sigma must be"),
        ({"default_sigma": np.nan}, "default_sigma must be"),
        ({"pixels_per_degree": 0.0}, "pixels_per_degree must be"),
        ({"first_order": np.nan}, "first_order must be"),
        ({"first_order": np.inf}, "first_order must be"),
        ({"first_order": -1}, "first_order must be"),
        ({"first_order": 0.5}, "first_order must be"),
        ({"image_index": np.array([0, 2**32])}, "image_index must hold"),
        ({"order": np.array([0, np.nan])}, "order must hold"),
        ({"subject": np.array([0, 1e20])}, "subject must hold"),
        ({"height": np.array([2**30])}, "pixels"),
        ({"subjects": np.zeros((3, 0, 2), "U1")}, "one name each"),
        ({f"x{k}": 1 for k in range(200)}, "members"),
        ({"subjects": None}, "have not the size"),
    ],
)
def test_fields_that_cannot_be(tmp_path, fields, message):
    path = of_names(tmp_path / "bad", ["a"], (40, 50))
    if fields.get("subjects", 0) is None:
        claim = "{'descr':'<U0','fortran_order':False,'shape':(1000000000,),}"
        header = b"\x93NUMPY\x01\0" + len(claim).to_bytes(2, "little")
        with zipfile.ZipFile(path / "fixations.npz", "a") as archive:
            archive.writestr("subjects.npy", header + claim.encode())
    else:
        with np.load(path / "fixations.npz") as file:
            kept = dict(file)
        np.savez(path / "fixations.npz", **(kept | fields))
    with pytest.raises(DatasetError, match=rf"fixations\.npz .*{message}"):
        load_compact(path)


def test_characters_that_there_are_not(tmp_path):
    path = of_names(tmp_path / "bad", ["a"], (40, 50))
    claim = "{'descr':'<U1','fortran_order':False,'shape':(1,),}"
    content = b"\x93NUMPY\x01\0" + len(claim).to_bytes(2, "little")
    content += claim.encode() + b"\xff\xff\xff\x7f"
    with zipfile.ZipFile(path / "fixations.npz", "a") as archive:
        archive.writestr("subjects.npy", content)
    with pytest.raises(DatasetError, match=r"fixations\.npz .*characters"):
        load_compact(path)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"longest": 0}, "longest must be a whole number, at least 1.* 0"),
        ({"longest": 1.5}, "longest must be a whole number"),
        ({"longest": "512"}, "longest must be a whole number"),
        ({"quality": 0}, "quality must be a whole number, at least 1"),
        ({"quality": 90.5}, "quality must be a whole number"),
        ({"quality": 500}, "quality must be at most 100, received 500"),
    ],
)
def test_sizes_and_qualities_that_cannot_be(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        to_compact(generate(1, (20, 30)), tmp_path / "out", **options)
    assert not list(tmp_path.iterdir())
