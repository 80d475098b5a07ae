"""Image, fixations and density map move together."""

import types
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest

from keras_saliency import cache_features, datasets
from keras_saliency.datasets import Affine, SaliencySequence, augmentation

SIZE = (48, 64)


def one_spot(x, y, size=SIZE):
    """A data set of one black image with a white pixel, which is fixated."""
    image = np.zeros((*size, 3), "uint8")
    image[y, x] = 255
    return datasets.SaliencyDataset(
        "spot",
        [image],
        fixations=datasets.Fixations([0], [x + 0.5], [y + 0.5]),
        default_sigma=1.5,
    )


def batch(dataset, augment, size=SIZE, **options):
    sequence = SaliencySequence(
        dataset, 1, size, augment=augment, shuffle=False, **options
    )
    images, targets = sequence[0]
    return images[0], targets[0]


def quarter_turn(image, points, density, rng):
    """Turn by 90 degrees; height and width change places."""
    width = image.shape[1]
    turned = np.column_stack([points[:, 1], width - points[:, 0]])
    return np.rot90(image), turned, np.rot90(density)


def check_spot(image, target, atol=1e-6):
    """The bright pixel, the fixation and the density's peak are one place."""
    place = np.unravel_index(image[..., 0].argmax(), image.shape[:2])
    assert target[place][1] == 1 and target[..., 1].sum() == 1
    assert target[place][0] == pytest.approx(1, abs=atol)
    return place


@pytest.mark.parametrize("x, y", [(10, 5), (0, 0), (63, 47), (31, 20)])
def test_a_half_turn_moves_all_to_the_same_pixel(x, y):
    augment = Affine(rotation=180)

    class HalfTurn:
        def uniform(self, low, high, size=None):
            return np.full(size, 0.0) if size else high

    def half_turn(image, points, density, rng):
        return augment(image, points, density, HalfTurn())

    image, target = batch(one_spot(x, y), half_turn)
    assert check_spot(image, target) == (47 - y, 63 - x)
    plain = batch(one_spot(63 - x, 47 - y), None)
    np.testing.assert_array_equal(image, plain[0])
    np.testing.assert_array_equal(target[..., 1], plain[1][..., 1])
    np.testing.assert_allclose(target, plain[1], atol=2e-6)


@pytest.mark.parametrize("x, y", [(10, 5), (31, 20)])
def test_a_shift_by_whole_pixels_is_exact(x, y):
    augment = Affine(shift=0.25)

    class Right:
        def uniform(self, low, high, size=None):
            return np.array([0.25, 0.125]) if size else 0.0

    def right(image, points, density, rng):
        return augment(image, points, density, Right())

    image, target = batch(one_spot(x, y), right)
    assert check_spot(image, target) == (y + 6, x + 16)


def test_another_shape_is_resized_with_its_fixations():
    size = (32, 32)
    image, target = batch(one_spot(10, 5, size), quarter_turn, size)
    assert check_spot(image, target) == (21, 5)
    image, target = batch(one_spot(11, 6), quarter_turn)
    assert image.shape == (*SIZE, 3) and target.shape == (*SIZE, 2)
    # Turned to 64 high and 48 wide, and back to 48 high and 64 wide.
    row, column = np.argwhere(target[..., 1])[0]
    assert (row, column) == (int(52.5 * 48 / 64), int(6.5 * 64 / 48))
    assert np.argwhere(target[..., 0] == 1)[0].tolist() == [row, column]


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_any_move_takes_the_spot_along(seed, flip):
    augment = Affine(rotation=30, zoom=(1.0, 2.0), shift=0.05, color=(0, 0, 0))
    data = one_spot(30, 22)
    image, target = batch(data, augment, seed=seed, flip=flip)
    row, column = np.argwhere(target[..., 1])[0]
    # The center of mass of the bright pixels, to half a pixel.
    light = image[..., 0].astype(float)
    rows, columns = np.indices(SIZE)
    assert (light * rows).sum() / light.sum() == pytest.approx(row, abs=0.6)
    assert (light * columns).sum() / light.sum() == pytest.approx(
        column, abs=0.6
    )
    peak = np.unravel_index(target[..., 0].argmax(), SIZE)
    assert abs(peak[0] - row) <= 1 and abs(peak[1] - column) <= 1


def test_density_moves_as_the_image_does():
    """The density, seen as an image, is changed as the image is."""
    made = datasets.generate(1, SIZE, seed=3)
    density = made.density(0)
    gray = np.round(255 * density).astype("uint8")
    data = datasets.SaliencyDataset(
        "gray",
        [np.repeat(gray[..., None], 3, axis=2)],
        fixations=made.fixations,
        default_sigma=made.sigma(0),
    )
    augment = Affine(rotation=20, zoom=(0.8, 1.3), shift=0.1, color=(0, 0, 0))
    image, target = batch(data, augment, seed=5)
    peak = image.max()
    np.testing.assert_allclose(
        image[..., 0] / peak, target[..., 0], atol=2.5 / 255
    )


def test_published_densities_move_too():
    spot = one_spot(10, 5)
    data = datasets.SaliencyDataset(
        "maps", [spot.image(0)], densities=[spot.density(0)]
    )
    image, target = batch(data, datasets.Affine(shift=0.25), seed=3)
    assert target.shape == (*SIZE, 1) and target.max() == 1
    np.testing.assert_array_equal(
        target, batch(spot, datasets.Affine(shift=0.25), seed=3)[1][..., :1]
    )


def test_a_sample_that_would_lose_all_is_as_it_is():
    def out(image, points, density, rng):
        return image[:, :5], points, density[:, :5]

    data = one_spot(60, 40)
    image, target = batch(data, out)
    np.testing.assert_array_equal(image, data.image(0))
    assert check_spot(image, target) == (40, 60)


@pytest.fixture(scope="module")
def dataset():
    return datasets.generate(6, SIZE, seed=1)


def sequence(dataset, **options):
    options = {"augment": Affine(rotation=20), "map_size": (12, 16), **options}
    return SaliencySequence(dataset, 2, SIZE, **options)


def test_samples_are_new_in_each_pass_and_the_same_in_each_run(dataset):
    first, again, other = (sequence(dataset, seed=s) for s in (0, 0, 1))
    passes = []
    for _ in range(2):
        with ThreadPoolExecutor(4) as pool:
            batches = list(pool.map(first.__getitem__, [2, 0, 1]))
        for number, found in zip([2, 0, 1], batches, strict=True):
            for a, b in zip(found, again[number], strict=True):
                np.testing.assert_array_equal(a, b)
        passes.append(dict(first.samples(k)[0] for k in range(3)))
        first.on_epoch_end()
        again.on_epoch_end()
    versions = [set(drawn.values()) for drawn in passes]
    assert versions == [{1}, {2}]
    i = first.samples(0)[0][0]
    assert (first.images([(i, 1)]) != first.images([(i, 2)])).any()
    assert (first.images([(i, 1)]) != other.images([(i, 1)])).any()


def test_images_and_targets_of_samples_are_those_of_batches(dataset):
    data = sequence(dataset, flip=True, versions=3)
    for number in range(3):
        images, targets = data[number]
        samples = data.samples(number)
        np.testing.assert_array_equal(data.images(samples), images)
        np.testing.assert_array_equal(data.targets(samples), targets)


def test_version_0_is_the_image_as_it_is(dataset):
    data = sequence(dataset, versions=4)
    np.testing.assert_array_equal(data.images([(2, 0)])[0], dataset.image(2))
    np.testing.assert_array_equal(
        data.targets([(2, 0)])[0, ..., 0], dataset.density(2, (12, 16))
    )
    seen = set()
    for _ in range(12):
        seen |= {v for k in range(3) for _, v in data.samples(k)}
        data.on_epoch_end()
    assert seen == {0, 1, 2, 3}


def test_kept_images_are_not_changed(dataset):
    def blacken(image, points, density, rng):
        image[:] = 0
        density[:] /= 2
        return image, points, density

    data = sequence(dataset, augment=blacken, cache_images=True)
    for _ in range(2):
        assert not data[0][0].any() and data[0][1][..., 0].max() == 1
    np.testing.assert_array_equal(data.images([(1, 0)])[0], dataset.image(1))


def test_features_belong_to_the_fixations_that_move_along(tmp_path):
    backbone = keras.Sequential(
        [keras.Input((*SIZE, 3)), keras.layers.AveragePooling2D(4)]
    )

    def cached(place):
        spots = one_spot(place, place)
        data = SaliencySequence(
            spots, 1, SIZE, augment=Affine(shift=0.45), versions=6
        )
        return data, cache_features(
            backbone, data, tmp_path, dtype="float32", verbose=0
        )

    # The shifts that would lose the one fixation are those of the place.
    cached(2)
    data, features = cached(30)
    assert features.computed == 6
    samples = [(0, version) for version in range(6)]
    again = cached(30)[1]
    assert again.computed == 0
    expected = backbone.predict(data.images(samples), verbose=0)
    assert expected.std() > 0
    for _ in range(6):
        ((_, version),) = data.samples(0)
        np.testing.assert_allclose(
            features[0][0][0], expected[version], rtol=1e-5
        )
        features.on_epoch_end()


def brighter(image, points, density, rng):
    return np.minimum(image, 200) + np.uint8(50), points, density


def darker(image, points, density, rng):
    return image // 2, points, density


def same_name(function, other):
    """A function as it is after its source was changed."""
    code = function.__code__.replace(co_name=other.__name__)
    changed = types.FunctionType(code, globals(), other.__name__)
    changed.__qualname__ = other.__qualname__
    changed.__module__ = other.__module__
    return changed


def test_features_of_all_versions_are_cached(dataset, tmp_path):
    backbone = keras.Sequential(
        [keras.Input((*SIZE, 3)), keras.layers.AveragePooling2D(4)]
    )
    data = sequence(dataset, versions=3, flip=True)
    cached = cache_features(
        backbone, data, tmp_path, dtype="float32", verbose=0
    )
    assert cached.computed == 18
    for _ in range(2):
        for number in range(3):
            features, targets = cached[number]
            images, expected = data[number]
            np.testing.assert_allclose(
                features, backbone.predict(images, verbose=0), rtol=1e-5
            )
            np.testing.assert_array_equal(targets, expected)
        cached.on_epoch_end()

    def computed(**options):
        options = {"versions": 3, "flip": True, **options}
        made = cache_features(
            backbone,
            sequence(dataset, **options),
            tmp_path,
            dtype="float32",
            verbose=0,
        )
        return made.computed

    assert computed() == 0
    assert computed(seed=1) == 18
    assert computed(augment=Affine(rotation=21)) == 18
    assert computed(versions=2) == 12
    assert computed(map_size=(6, 8)) == 18
    assert computed(sigma=3) == 18
    assert computed(augment=brighter) == 18
    assert computed(augment=brighter) == 0
    assert computed(augment=same_name(darker, brighter)) == 18
    with pytest.raises(ValueError, match="such as versions=8"):
        computed(versions=None)
    with pytest.raises(ValueError, match="What is cached cannot be recog"):
        computed(augment=lambda image, points, density, rng: None)


def test_fit(dataset):
    model = keras.Sequential(
        [
            keras.Input((*SIZE, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.AveragePooling2D(4),
            keras.layers.Conv2D(2, 1),
        ]
    )
    model.compile("sgd", "mse")
    history = model.fit(sequence(dataset), epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()


@pytest.mark.parametrize(
    "returned, message",
    [
        (None, "received NoneType"),
        ((1, 2), "received tuple"),
        ((np.zeros((4, 4, 3)), np.zeros((1, 2)), np.zeros((4, 4))), "uint8"),
        (
            (
                np.zeros((4, 4, 3), "uint8"),
                np.zeros((1, 2)),
                np.zeros((5, 4)),
            ),
            r"float64 \(5, 4\)",
        ),
    ],
)
def test_what_a_function_must_return(dataset, returned, message):
    data = sequence(dataset, augment=lambda *_: returned)
    with pytest.raises(ValueError, match=f"image 'generated.*{message}"):
        data[0]


def test_arguments(dataset):
    with pytest.raises(ValueError, match="augment must be a function"):
        sequence(dataset, augment="rotate")
    with pytest.raises(ValueError, match="versions=3 is for augment="):
        sequence(dataset, augment=None, versions=3)
    with pytest.raises(ValueError, match="versions must be a positive"):
        sequence(dataset, versions=0)
    for options in ({"rotation": -1}, {"zoom": (2, 1)}, {"shift": 1}):
        with pytest.raises(ValueError, match="rotation must be from 0 to 180"):
            Affine(**options)


@pytest.fixture
def library():
    try:
        return pytest.importorskip(
            "albumentations", reason="needs albumentations"
        )
    except ImportError:  # AlbumentationsX without PyTorch
        pytest.skip("albumentations cannot be imported")


def test_albumentations_moves_all(library):
    flip = library.HorizontalFlip(p=1)
    image, target = batch(one_spot(10, 5), flip)
    assert check_spot(image, target) == (5, 53)
    plain = batch(one_spot(53, 5), None)
    np.testing.assert_array_equal(image, plain[0])
    np.testing.assert_allclose(target, plain[1], atol=2e-6)
    chain = library.Compose(
        [library.Transpose(p=1), library.RandomBrightnessContrast(p=1)]
    )
    image, target = batch(one_spot(10, 5, (32, 32)), chain, (32, 32))
    assert check_spot(image, target) == (10, 5)


def test_albumentations_draws_by_the_sequence(library, dataset):
    made = [
        sequence(dataset, augment=library.Rotate(p=1), versions=5)
        for _ in range(2)
    ]
    samples = [(i, version) for i in range(6) for version in range(5)]
    with ThreadPoolExecutor(4) as pool:
        threaded = list(
            pool.map(lambda sample: made[0].images([sample]), samples)
        )
    for sample, image in zip(samples, threaded, strict=True):
        np.testing.assert_array_equal(made[1].images([sample]), image)
    assert len({image.tobytes() for image in threaded}) == 30


@pytest.mark.parametrize("offset", [0.0, 0.25, 0.5])
def test_flip_mirrors_pixels(offset):
    x, y = np.arange(0, 64, 3.0), np.arange(22.0) * 2
    counts = datasets.SaliencyDataset(
        "grid",
        [np.zeros((*SIZE, 3), "uint8")],
        fixations=datasets.Fixations(np.zeros(22, int), x + offset, y + offset),
    ).fixation_map(0)
    parts = np.zeros((*SIZE, 3), "uint8"), np.column_stack([x, y]) + offset
    seen = set()
    for seed in range(20):
        _, target = augmentation.augmented(
            lambda *given: given[:3],
            (*parts, np.ones(SIZE, "float32")),
            np.random.default_rng(seed),
            flip=True,
            map_size=SIZE,
            has_fixations=True,
        )
        mirrored = not np.array_equal(target[..., 1], counts)
        if mirrored:
            np.testing.assert_array_equal(target[:, ::-1, 1], counts)
        seen.add(mirrored)
    assert seen == {False, True}
