"""What holds for every classic model."""

import dataclasses
import pickle
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from keras_saliency import datasets, evaluation
from keras_saliency.images import resize
from keras_saliency.models import classic
from keras_saliency.models.classic import CLASSIC, _filters, _stages

SIZE = (144, 192)
# Those that see color and orientation, and those that see anything.
CHANNELS = ("itti_koch", "itti_koch_toolbox", "gbvs", "rare2012", "aws")
RECENT = ("aim", "sun", "image_signature", "bms")
SIGHTED = (*CHANNELS, *RECENT, "spectral_residual")
# Learned filters have no mirror images among them, and take long.
LEARNED = {"aim": {"longest": 96}, "sun": {"longest": 64}}


def picture(size=SIZE, seed=0):
    """A smooth image with some structure."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((6, 8, 3)).astype("float32")
    image = resize(coarse, size)
    fine = rng.random((*size, 1)).astype("float32")
    return (200 * image + 55 * fine).astype("uint8")


def bars(odd):
    """Bars on gray, one of them other; and which cell that is."""
    image = np.full((*SIZE, 3), 60, "uint8")
    cell = (2, 3)
    for i in range(4):
        for j in range(6):
            y, x = 18 + 36 * i, 16 + 32 * j
            length, width, color = 8, 2, (90, 140, 90)
            if odd == "tilt":
                color = (200, 200, 200)
            if (i, j) == cell:
                if odd == "color":
                    color = (220, 40, 40)
                elif odd == "tilt":
                    length, width = width, length
            image[y - length : y + length, x - width : x + width] = color
    return image, (18 + 36 * cell[0], 16 + 32 * cell[1])


def assert_peak_at(map_, place, within=20):
    peak = np.unravel_index(map_.argmax(), map_.shape)
    assert np.hypot(*np.subtract(peak, place)) < within, (peak, place)


def made(name):
    return CLASSIC[name](**LEARNED.get(name, {}))


@pytest.fixture(params=CLASSIC)
def model(request):
    return made(request.param)


def test_names_a_source(model):
    doc = type(model).__doc__
    assert model.__class__.__name__ in ("CenterBias", "Uniform") or any(
        year in doc for year in ("1998", *map(str, range(2006, 2014)))
    )
    for name in type(model).__dataclass_fields__:
        assert f"{name}: " in doc
        if name != "density":
            assert f"{name}=" in repr(model)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_map_of_a_picture(model, dtype):
    image = picture((150, 201)).astype(dtype)
    before = image.copy()
    map_ = model.saliency_map(image)
    assert map_.shape == (150, 201) and map_.dtype == np.float32
    assert np.isfinite(map_).all() and map_.min() >= 0 and map_.max() == 1
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(map_, model.saliency_map(image))


@pytest.mark.parametrize("level", [0, 128, 255])
def test_constant_picture(model, level):
    map_ = model.saliency_map(np.full((*SIZE, 3), level, "uint8"))
    assert map_.shape == SIZE
    assert np.isfinite(map_).all() and map_.min() >= 0


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (30, 17), (300, 9)])
def test_small_and_long_images(model, size):
    map_ = model.saliency_map(picture(size))
    assert map_.shape == size and np.isfinite(map_).all()


def test_gray_image(model):
    gray = np.repeat(picture()[..., :1], 3, axis=2)
    map_ = model.saliency_map(gray)
    assert np.isfinite(map_).all() and map_.max() == 1


@pytest.mark.quick("itti_koch|gbvs")
def test_mirrored(model):
    # Sides that every level of a pyramid divides.
    image = picture((256, 512))
    map_ = model.saliency_map(image)
    mirrored = model.saliency_map(image[:, ::-1])[:, ::-1]
    learned = type(model) in (CLASSIC[name] for name in LEARNED)
    assert np.abs(map_ - mirrored).mean() < (0.06 if learned else 0.01)
    if map_.std() > 0:
        likeness = np.corrcoef(map_.ravel(), mirrored.ravel())[0, 1]
        assert likeness > (0.9 if learned else 0.99)


@pytest.mark.quick("itti_koch|gbvs|uniform")
def test_batches_lists_and_data_sets(model):
    images = np.stack([picture(seed=seed) for seed in range(2)])
    maps = model.predict(images)
    assert maps.shape == (2, *SIZE, 1) and maps.dtype == np.float32
    alone = model.predict(images[1])
    np.testing.assert_array_equal(maps[1, ..., 0], alone)
    dataset = datasets.generate(count=2, size=(48, 64))
    for pictures in ([images[0], picture((60, 40))], dataset):
        listed = model.predict(pictures)
        assert isinstance(listed, list)
        for i, map_ in enumerate(listed):
            image = pictures.image(i) if pictures is dataset else pictures[i]
            np.testing.assert_array_equal(map_, model.saliency_map(image))
    assert model.predict(images[:0]).shape == (0, *SIZE, 1)


@pytest.mark.quick("itti_koch|gbvs")
def test_threads_make_the_same_maps(model):
    images = [picture(seed=seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        maps = list(pool.map(model.saliency_map, images))
    np.testing.assert_array_equal(maps, [model.saliency_map(i) for i in images])


@pytest.mark.slow
def test_several_processes_make_the_same_maps():
    images = np.stack([picture(seed=seed) for seed in range(3)])
    model = classic.GBVS()
    np.testing.assert_array_equal(
        model.predict(images, workers=2), model.predict(images)
    )


@pytest.mark.parametrize("name", CLASSIC)
def test_models_of_all_kinds_travel_to_processes(name):
    model = made(name)
    copy = pickle.loads(pickle.dumps(model))
    assert copy == model
    with pytest.raises(AttributeError):
        copy.anything = 1
    image = picture()
    np.testing.assert_array_equal(
        copy.saliency_map(image), model.saliency_map(image)
    )


def test_progress_is_shown(capsys):
    images = np.zeros((2, 8, 8, 3), "uint8")
    classic.Uniform().predict(images, verbose=1)
    assert "2/2" in capsys.readouterr().out
    with pytest.raises(ValueError, match="verbose"):
        classic.Uniform().predict(images, verbose=2)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((8, 9, 2)), r"received the shape \(8, 9, 2\)"),
        (np.zeros((8, 9, 4)), r"received the shape \(8, 9, 4\)"),
        (np.zeros((0, 9, 3)), "received the shape"),
        (np.full((8, 9, 3), np.nan), "not finite"),
        (np.full((8, 9, 3), 300.0), "300.0"),
        (np.full((8, 9, 3), -1.0), "Undo a normalization"),
        (np.zeros((8, 9, 3), complex), "type complex"),
    ],
)
def test_refuses_what_is_no_image(model, image, message):
    with pytest.raises(ValueError, match=message):
        model.saliency_map(image)


def test_names_the_image_that_is_none(model):
    images = [picture((8, 8)), np.zeros((8, 8, 2)), picture((8, 8))]
    with pytest.raises(ValueError, match="Image number 1: "):
        model.predict(images, errors="raise")
    with pytest.raises(ValueError, match="Image number 0: "):
        model.predict(images[1:2])
    with pytest.warns(UserWarning) as caught:
        first, none, third = model.predict(images)
    assert none is None
    np.testing.assert_array_equal(first, model.saliency_map(images[0]))
    np.testing.assert_array_equal(third, model.saliency_map(images[2]))
    assert [str(each.message)[:24] for each in caught] == [
        "Skipped: Image number 1:",
        "1 of 3 images was skippe",
    ]
    with pytest.raises(ValueError, match="workers must be at least 1"):
        model.predict([picture((8, 8))], workers=0)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("gbvs", {"channels": "DX"}, "channels must be"),
        ("gbvs", {"channels": ""}, "channels must be"),
        ("gbvs", {"levels": ()}, "levels must be"),
        ("gbvs", {"levels": (0,)}, "levels must be"),
        ("gbvs", {"map_side": 1000}, "map_side must be from 4 to 64"),
        ("gbvs", {"sigma": 0}, "sigma must be positive"),
        ("gbvs", {"power": 0}, "power must be positive"),
        ("gbvs", {"tolerance": -1}, "tolerance must be 0 or more"),
        ("gbvs", {"border": -1}, "border must be 0 or more"),
        ("gbvs", {"blur": -1}, "blur must be 0 or more"),
        ("itti_koch", {"deltas": (0,)}, "deltas must be"),
        ("itti_koch", {"levels": (8,)}, "levels must be"),
        ("itti_koch_toolbox", {"centers": (0,)}, "centers must be"),
        ("itti_koch_toolbox", {"level": 9}, "level must be from 1 to 8"),
        ("itti_koch_toolbox", {"darkest": 1}, "darkest must be in"),
        ("itti_koch_toolbox", {"iterations": -1}, "iterations must be"),
        ("rare2012", {"bins": 1}, "bins must be from 2 to 256"),
        ("rare2012", {"levels": 0}, "levels must be from 1 to 16"),
        ("rare2012", {"inter_threshold": 2}, "inter_threshold must be in"),
        ("rare2012", {"longest": 10}, "longest must be 64 or more"),
        ("rare2012", {"center": -1}, "center must be 0 or more"),
        ("aws", {"rescale": 0}, "rescale must be in"),
        ("aws", {"scales": 0}, "scales must be from 1 to 16"),
        ("aws", {"wavelength": 1}, "wavelength must be 2 or more"),
        ("aws", {"bandwidth": 1}, "bandwidth must be in"),
        ("aws", {"angle": 0}, "angle must be in"),
        ("spectral_residual", {"longest": 4}, "longest must be 8 or more"),
        ("spectral_residual", {"average": 2}, "average must be odd"),
        ("aim", {"longest": 10}, "longest must be from 32 to 4096"),
        ("aim", {"bins": 1}, "bins must be from 2 to 10000"),
        ("aim", {"bandwidth": -1}, "bandwidth must be in"),
        ("aim", {"blur": -1}, "blur must be 0 or more"),
        ("sun", {"longest": 5000}, "longest must be from 32 to 4096"),
        ("sun", {"blur": -1}, "blur must be 0 or more"),
        ("image_signature", {"color": "hsv"}, 'color must be "lab" or "rgb"'),
        ("image_signature", {"longest": 4}, "longest must be from 8"),
        ("image_signature", {"blur": -1}, "blur must be 0 or more"),
        ("bms", {"longest": 10}, "longest must be from 32 to 4096"),
        ("bms", {"step": 0}, "step must be from 1 to 128"),
        ("bms", {"regularization": 0}, "regularization must be positive"),
        ("bms", {"dilation": 2}, "dilation must be odd, from 1 to 101"),
        ("bms", {"last_dilation": 0}, "last_dilation must be odd"),
        ("bms", {"blur": -1}, "blur must be 0 or more"),
        ("center_bias", {"sigma": (0.1, 0)}, "sigma must be two positive"),
        ("center_bias", {"density": np.zeros((3, 3))}, "a map of zeros"),
        ("center_bias", {"density": -np.ones((3, 3))}, "negative values"),
    ],
)
def test_refuses_arguments_out_of_range(name, options, message):
    with pytest.raises(ValueError, match=message):
        CLASSIC[name](**options)


@pytest.mark.parametrize("name", CLASSIC)
def test_refuses_arguments_of_another_type(name):
    """At once, and not by an error of some library in the middle of a map."""
    for field in dataclasses.fields(CLASSIC[name]):
        wrong = [object()]
        if field.type in (int, float):
            wrong += ["64", None, True, np.inf, np.nan, [64]]
        if field.type is int:
            wrong += [64.5]
        if isinstance(field.default, tuple):
            wrong += [2, (2, "3"), (2, np.inf)]
        for value in wrong:
            with pytest.raises(ValueError, match=f"{field.name}.* must be"):
                CLASSIC[name](**{field.name: value})


def test_takes_numbers_of_numpy_and_whole_ones():
    bms = CLASSIC["bms"](step=np.int64(8), dilation=7.0, blur=np.float32(0.5))
    assert repr(bms.step) == "8" and repr(bms.dilation) == "7"
    assert CLASSIC["gbvs"](levels=np.array([2.0, 3.0])).levels == (2, 3)


@pytest.mark.parametrize("name", CHANNELS)
def test_the_red_bar_among_green_stands_out(name):
    image, place = bars("color")
    assert_peak_at(CLASSIC[name]().saliency_map(image), place)


@pytest.mark.parametrize("name", CHANNELS)
def test_the_lying_bar_among_upright_stands_out(name):
    image, place = bars("tilt")
    assert_peak_at(CLASSIC[name]().saliency_map(image), place)


@pytest.mark.parametrize("name", SIGHTED)
def test_the_bright_dot_stands_out(name):
    image = np.full((*SIZE, 3), 40, "uint8")
    image[80:88, 120:128] = 230
    assert_peak_at(made(name).saliency_map(image), (84, 124))


@pytest.mark.parametrize("name", SIGHTED)
def test_finds_generated_objects_better_than_chance(name):
    dataset = datasets.generate(count=4, size=SIZE, seed=3)
    model = made(name)
    scores = evaluation.evaluate(
        model.saliency_map,
        dataset,
        metrics=["cc", "auc_judd", "nss"],
        verbose=0,
    ).means()
    assert scores["cc"] > 0.1
    assert scores["auc_judd"] > 0.55
    assert scores["nss"] > 0.2


@pytest.mark.parametrize("name", RECENT)
def test_of_one_color_nothing_stands_out(name):
    image = np.tile(np.array([200, 30, 90], "uint8"), (*SIZE, 1))
    assert not made(name).saliency_map(image).any()


def test_color_of_the_image_signature():
    image = picture()
    maps = [
        classic.ImageSignature(color=color).saliency_map(image)
        for color in ("lab", "rgb")
    ]
    assert 0.01 < np.abs(maps[0] - maps[1]).mean() < 0.3


def test_options_of_rare2012():
    image = picture()
    raw = classic.RARE2012().saliency_map(image)
    smooth = classic.RARE2012(blur=0.05).saliency_map(image)
    centered = classic.RARE2012(blur=0.05, center=2.0).saliency_map(image)

    def roughness(map_):
        return np.abs(np.diff(map_, axis=0)).mean()

    assert roughness(smooth) < 0.5 * roughness(raw)
    bias = classic.CenterBias().saliency_map(image)

    def likeness(map_):
        return np.corrcoef(map_.ravel(), bias.ravel())[0, 1]

    assert likeness(centered) > max(0.7, likeness(smooth) + 0.1)


def test_center_bias_of_a_data_set():
    dataset = datasets.generate(count=6, size=(48, 64))
    model = classic.CenterBias.fit(dataset, (24, 32))
    mean = dataset.mean_density((24, 32))
    map_ = model.saliency_map(picture((24, 32)))
    np.testing.assert_allclose(map_, mean / mean.max(), rtol=1e-5)
    assert model == pickle.loads(pickle.dumps(model))
    assert model != classic.CenterBias()


@pytest.mark.parametrize("size", [(2, 3000), (1, 5000), (5000, 1), (1, 70000)])
def test_thin_strips_take_no_more_memory_than_photos(size):
    """What would need gigabytes is not even asked for."""
    shapes = []

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Seen(classic.base.ClassicModel):
        smallest_side = 32

        def _map(self, image):
            shapes.append(image.shape)
            strip = image[..., 0]
            responses = _filters.responses(
                strip, lambda shape: shapes.append(shape) or ()
            )
            assert [*responses] == []
            return strip

    image = np.random.default_rng(0).integers(0, 256, (*size, 3), "uint8")
    assert Seen().saliency_map(image).shape == size
    working, padded = shapes
    assert max(working) <= max(65536, 32) and min(working[:2]) == 32
    assert np.prod(padded) < 2**23


def test_blur_of_strips_is_that_of_other_maps():
    map_ = np.random.default_rng(0).random((5, 900)).astype("float32")
    x = np.arange(-120, 121)
    kernel = np.exp(-(x**2) / (2 * 40**2))
    kernel = (kernel / kernel.sum()).astype("float32")
    right = cv2.sepFilter2D(
        map_, -1, kernel, kernel, borderType=cv2.BORDER_REPLICATE
    )
    for found in (_stages.blur(map_, 40), _stages.blur(map_.T, 40).T):
        np.testing.assert_allclose(found, right, atol=2e-6)
