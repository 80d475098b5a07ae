from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest

from keras_saliency.datasets import (
    SaliencyDataset,
    SaliencySequence,
    generate,
    load_compact,
    to_compact,
)
from keras_saliency.images import resize


@pytest.fixture(scope="module")
def dataset():
    return generate(11, (24, 32))


def _sequence(dataset, **options):
    options = {"batch_size": 4, "image_size": (24, 32), **options}
    return SaliencySequence(dataset, **options)


def test_batches(dataset):
    sequence = _sequence(dataset, map_size=(6, 8), shuffle=False)
    assert len(sequence) == 3
    images, targets = sequence[0]
    assert images.shape == (4, 24, 32, 3) and images.dtype == np.uint8
    assert targets.shape == (4, 6, 8, 2) and targets.dtype == np.float32
    np.testing.assert_array_equal(images[2], dataset.image(2))
    np.testing.assert_array_equal(
        targets[2, ..., 0], dataset.density(2, (6, 8))
    )
    np.testing.assert_array_equal(
        targets[2, ..., 1], dataset.fixation_map(2, (6, 8))
    )
    assert len(sequence[2][0]) == 3


def test_density_alone_gives_one_channel(dataset):
    maps = SaliencyDataset(
        "maps",
        [dataset.image(i) for i in range(4)],
        densities=[dataset.density(i) for i in range(4)],
    )
    assert _sequence(maps)[0][1].shape == (4, 24, 32, 1)


def test_each_pass_has_every_sample_once_in_a_new_order(dataset):
    sequence = _sequence(dataset)
    orders = []
    for _ in range(3):
        order = [i for b in range(3) for i, _ in sequence.samples(b)]
        assert sorted(order) == list(range(11))
        orders.append(order)
        sequence.on_epoch_end()
    assert orders[0] != orders[1] != orders[2]


def test_order_depends_on_seed_and_pass_alone(dataset):
    first, second, other = (_sequence(dataset, seed=s) for s in (5, 5, 6))
    second[1], second[0]  # what was read before must not matter
    np.random.default_rng().random()
    for sequence in (first, second, other):
        sequence.on_epoch_end()
    assert first.samples(0) == second.samples(0)
    assert first.samples(0) != other.samples(0)
    np.testing.assert_array_equal(first[2][1], second[2][1])


def test_without_shuffling(dataset):
    sequence = _sequence(dataset, shuffle=False)
    sequence.on_epoch_end()
    assert sequence.samples(1) == [(i, False) for i in range(4, 8)]


def test_flip_mirrors_image_and_targets(dataset):
    plain = _sequence(dataset, shuffle=False)
    flipping = _sequence(dataset, shuffle=False, flip=True)
    seen = set()
    for _ in range(2):
        for batch in range(3):
            for arrays in zip(plain[batch], flipping[batch], strict=True):
                for k, (_, flipped) in enumerate(flipping.samples(batch)):
                    seen.add(flipped)
                    expected = arrays[0][k]
                    if flipped:
                        expected = expected[:, ::-1]
                    np.testing.assert_array_equal(arrays[1][k], expected)
        flipping.on_epoch_end()
    assert seen == {True, False}


def test_flips_differ_between_passes(dataset):
    sequence = _sequence(dataset, shuffle=False, flip=True)
    first = sequence.samples(0) + sequence.samples(1)
    sequence.on_epoch_end()
    assert sequence.samples(0) + sequence.samples(1) != first


@pytest.mark.parametrize("cache", [True, False])
def test_cached_targets_are_the_same(dataset, cache):
    sequence = _sequence(dataset, cache_targets=cache)
    first = sequence[0][1]
    first_again = sequence[0][1]
    np.testing.assert_array_equal(first, first_again)
    first_again[:] = -1
    np.testing.assert_array_equal(sequence[0][1], first)


def test_targets_are_cached_while_they_are_small(dataset):
    assert _sequence(dataset)._cache is not None
    assert _sequence(dataset, map_size=(2000, 2000))._cache is None


def test_sigma(dataset):
    sharp = _sequence(dataset, sigma=1)[0][1][..., 0]
    blunt = _sequence(dataset, sigma=4)[0][1][..., 0]
    assert sharp.mean() < blunt.mean()
    with pytest.raises(ValueError, match="pixels per degree"):
        _sequence(dataset, sigma_degrees=1)


@pytest.mark.parametrize("size", [0, -1, 2.5, True, None])
def test_bad_batch_size(dataset, size):
    with pytest.raises(ValueError, match="positive integer"):
        _sequence(dataset, batch_size=size)


def test_batch_size_above_the_data_set(dataset):
    with pytest.raises(
        ValueError, match="batch_size 12 is above the 11 images"
    ):
        _sequence(dataset, batch_size=12)
    assert len(_sequence(dataset, batch_size=11)) == 1


def test_bad_sizes_and_indices(dataset):
    with pytest.raises(ValueError, match=r"image_size must be \(height"):
        _sequence(dataset, image_size=24)
    with pytest.raises(ValueError, match=r"map_size must be \(height"):
        _sequence(dataset, map_size=(0, 3))
    for batch in (-1, 3):
        with pytest.raises(IndexError, match="there are 3"):
            _sequence(dataset)[batch]


def test_batches_read_in_threads_are_the_same(dataset):
    threaded, plain = (_sequence(dataset, flip=True) for _ in range(2))
    for _ in range(2):
        with ThreadPoolExecutor(4) as pool:
            batches = list(pool.map(threaded.__getitem__, [2, 0, 1] * 4))
        for number, batch in zip([2, 0, 1] * 4, batches, strict=True):
            for a, b in zip(batch, plain[number], strict=True):
                np.testing.assert_array_equal(a, b)
        threaded.on_epoch_end()
        plain.on_epoch_end()


@pytest.mark.parametrize(
    "workers", [1, pytest.param(3, marks=pytest.mark.slow)]
)
def test_fit(dataset, workers):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((24, 32, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(8, 3, padding="same"),
            keras.layers.Conv2D(2, 1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "mse")
    sequence = _sequence(dataset, flip=True, workers=workers)
    history = model.fit(
        sequence, validation_data=sequence, epochs=3, verbose=0
    ).history
    assert history["loss"][2] < history["loss"][0]
    assert model.predict(sequence, verbose=0).shape == (11, 24, 32, 2)


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_of_reading_reach_the_caller_of_fit(tmp_path, dataset, workers):
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"no image")
    broken = SaliencyDataset(
        "broken",
        [path] * 4,
        names="abcd",
        sizes=[(24, 32)] * 4,
        densities=[np.ones((24, 32))] * 4,
    )
    model = keras.Sequential(
        [keras.Input((24, 32, 3)), keras.layers.Conv2D(1, 1)]
    )
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"broken\.jpg cannot be read"):
        model.fit(_sequence(broken, workers=workers), verbose=0)


def test_images_are_kept_from_the_second_pass_on(tmp_path):
    path = to_compact(generate(4, (40, 60)), tmp_path / "c", progress=False)
    dataset = load_compact(path)
    batches = SaliencySequence(dataset, 2, (20, 30), seed=1, flip=True)
    plain = SaliencySequence(
        dataset, 2, (20, 30), seed=1, flip=True, cache_images=False
    )
    for epoch in range(3):
        for batch in range(2):
            images, _ = batches[batch]
            np.testing.assert_array_equal(images, plain[batch][0])
            images[:] = 0
        assert len(batches._images) == (4 if epoch else 0)
        assert not plain._images
        batches.on_epoch_end()
        plain.on_epoch_end()


def test_large_jpegs_are_decoded_reduced(tmp_path):
    source = generate(1, (100, 160))
    path = to_compact(source, tmp_path / "c", quality=100, progress=False)
    image = load_compact(path).image(0, (40, 60)).astype(float)
    wanted = resize(source.image(0), (40, 60))
    assert np.abs(image - wanted).mean() < 2


def test_a_smaller_last_batch_can_be_left_out():
    dataset = generate(5, (24, 32))
    whole = SaliencySequence(dataset, 2, (24, 32))
    part = SaliencySequence(dataset, 2, (24, 32), drop_last=True)
    assert (len(whole), len(part)) == (3, 2)
    seen = set()
    for _ in range(6):
        for batch in range(2):
            assert part.samples(batch) == whole.samples(batch)
            seen |= {i for i, _ in part.samples(batch)}
        part.on_epoch_end()
        whole.on_epoch_end()
    assert seen == set(range(5))
    with pytest.raises(IndexError):
        part[2]
    assert len(SaliencySequence(dataset, 5, (24, 32), drop_last=True)) == 1


@pytest.mark.parametrize("cache", [False, True])
def test_what_is_set_in_the_data_set_is_in_the_next_batch(cache):
    dataset = generate(4, (24, 32))
    sequence = SaliencySequence(
        dataset, 4, (24, 32), shuffle=False, cache_targets=cache
    )
    before = sequence[0][1]
    dataset.first_order = 1
    after = sequence[0][1]
    assert after[..., 1].sum() == sum(map(dataset.count, range(4)))
    assert after[..., 1].sum() < before[..., 1].sum()
    dataset.densities = [np.eye(24, 32, dtype="float32")] * 4
    np.testing.assert_array_equal(sequence[0][1][0, ..., 0], np.eye(24, 32))
