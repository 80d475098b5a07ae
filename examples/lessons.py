"""Training on arrays that stay on the device, for members.py and distil.py.

Images, densities and fixations of all data sets are kept as arrays in the
memory of the GPU (or of the CPU). One compiled function takes a few numbers
per image (which one, which part of it, mirrored or not, how bright), cuts and
mirrors images and targets alike by products of matrices, and makes one step of
AdamW. It needs the JAX backend of Keras.
"""

import concurrent.futures
import dataclasses
import time
from collections.abc import Callable

import jax
import numpy as np
from jax import numpy as jnp

from keras_saliency import targets

# Images and densities are kept at these sizes.
IMAGE_SIZE = (384, 512)
DENSITY_SIZE = (96, 128)
# Fixations that are kept of an image, drawn by chance where it has more.
POINTS = 512
DECAY = 1e-4
# Of the running mean of the weights, which is the result.
AVERAGING = 0.998
# Longest gradient, of all weights together.
LONGEST = 5.0


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """How images are changed by chance.

    Attributes:
        whole: Part of the images that are not cut.
        least: Smallest side of the part that is cut out, of the image's.
        stretch: Logarithm of the largest change of the ratio of its sides.
        colors: Largest change of brightness, contrast and saturation.
    """

    whole: float = 0.4
    least: float = 0.8
    stretch: float = 0.1
    colors: float = 0.2

    def draw(self, rng, count):
        """Return the numbers of `count` images for `cut`."""
        side = rng.uniform(self.least, 1, count)
        ratio = np.exp(rng.uniform(-self.stretch, self.stretch, count))
        sides = np.minimum(np.stack([side * ratio, side / ratio], -1), 1)
        sides[rng.random(count) < self.whole] = 1
        corner = rng.random((count, 2)) * (1 - sides)
        change = rng.uniform(-self.colors, self.colors, (count, 3))
        return {
            "box": np.concatenate([corner, corner + sides], -1).astype("f4"),
            "flip": rng.random(count) < 0.5,
            "color": (1 + change).astype("f4"),
        }


def arrays_of(parts, workers=4):
    """Return the arrays of a list of data sets, and the number of each's.

    Returns:
        Dictionary of `images` uint8, `densities` float16, `points` float32
        `(count, POINTS, 2)`, row and column in 0..1, -1 where there is none;
        and `sets`, the number of each image's data set in the list.
    """
    places = [(k, i) for k, part in enumerate(parts) for i in range(len(part))]
    arrays = {
        "images": np.empty((len(places), *IMAGE_SIZE, 3), "uint8"),
        "densities": np.empty((len(places), *DENSITY_SIZE), "float16"),
        "points": np.full((len(places), POINTS, 2), -1, "float32"),
        "sets": np.array([k for k, _ in places]),
    }

    def fill(n):
        part, i = parts[places[n][0]], places[n][1]
        arrays["images"][n] = part.image(i, IMAGE_SIZE)
        arrays["densities"][n] = part.density(i, DENSITY_SIZE)
        points = np.stack(part.fixation_points(i)[::-1], -1) / part.sizes[i]
        if len(points) > POINTS:
            rng = np.random.default_rng(n)
            points = rng.permutation(points)[:POINTS]
        arrays["points"][n, : len(points)] = points

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        list(pool.map(fill, range(len(places))))
    return arrays


def on_device(arrays):
    """Return arrays in the device's memory."""
    return {
        name: jnp.asarray(arrays[name])
        for name in ("images", "densities", "points")
    }


def cut(arrays, batch, image_sizes, map_size):
    """Return images and packed targets of a batch, changed as it says.

    Args:
        arrays: Arrays of `on_device`.
        batch: Dictionary of `index`, and of what `Augmentation.draw` returns.
        image_sizes: Sizes of the images.
        map_size: Size of the targets.

    Returns:
        List of images `(batch, height, width, 3)` in 0..255, one of each size;
        and targets `(batch, *map_size, 2)`.
    """
    index, box, flip = batch["index"], batch["box"], batch["flip"]
    kept = arrays["images"][index].astype("float32")
    images = [
        colored(resampled(kept, box, flip, size), batch["color"])
        for size in image_sizes
    ]
    density = arrays["densities"][index].astype("float32")[..., None]
    density = resampled(density, box, flip, map_size)[..., 0]
    density = density / density.max((1, 2), keepdims=True)
    points = arrays["points"][index]
    points = (points - box[:, None, :2]) / (box[:, None, 2:] - box[:, None, :2])
    mirrored = jnp.stack([points[..., 0], 1 - points[..., 1]], -1)
    points = jnp.where(flip[:, None, None], mirrored, points)
    # What falls outside is in no row or no column.
    cells = jnp.floor(points * jnp.asarray(map_size)).astype("int32")
    rows, columns = (
        jax.nn.one_hot(cells[..., axis], side)
        for axis, side in enumerate(map_size)
    )
    counts = jnp.einsum("bph,bpw->bhw", rows, columns)
    return images, jnp.stack([density, counts], -1)


def resampled(maps, box, flip, size):
    """Return the part of each map in its box, mirrored or not, resized.

    Linear, and over as many cells as one of the result covers.
    """
    rows = _weights(box[:, 0], box[:, 2], maps.shape[1], size[0])
    columns = _weights(box[:, 1], box[:, 3], maps.shape[2], size[1])
    columns = jnp.where(flip[:, None, None], columns[:, ::-1], columns)
    maps = jnp.einsum("bij,bjkc->bikc", rows, maps)
    return jnp.einsum("blk,bikc->bilc", columns, maps)


def _weights(low, high, count, size):
    low, high = low[:, None, None], high[:, None, None]
    place = (jnp.arange(size) + 0.5)[None, :, None] / size
    place = (low + (high - low) * place) * count - 0.5
    reach = jnp.maximum((high - low) * count / size, 1)
    distance = jnp.abs(jnp.arange(count)[None, None] - place)
    weights = jnp.maximum(1 - distance / reach, 0)
    return weights / jnp.maximum(weights.sum(-1, keepdims=True), 1e-6)


def colored(images, color):
    """Return images of another brightness, contrast and saturation."""
    brightness, contrast, saturation = jnp.moveaxis(
        color[:, None, None, None, :], -1, 0
    )
    gray = images.mean(-1, keepdims=True)
    images = gray + saturation * (images - gray)
    mean = images.mean((1, 2, 3), keepdims=True)
    images = brightness * (mean + contrast * (images - mean))
    return jnp.clip(images, 0, 255)


def as_density(maps):
    """Return maps whose sum is 1."""
    return maps / maps.sum((1, 2, 3), keepdims=True)


def resized(maps, size):
    """Return maps `(batch, height, width, 1)` of another size, peak 1."""
    shape = (len(maps), *size, 1)
    maps = jax.image.resize(maps, shape, "linear")
    return maps / maps.max((1, 2, 3), keepdims=True)


def summed(counts, size):
    """Return counts `(batch, height, width, 1)` in other cells.

    A cell's count goes to the cells that it lies in, by its parts.
    """
    for axis, cells in enumerate(size, start=1):
        counts = jnp.moveaxis(counts, axis, -1)
        counts = counts @ _parts(counts.shape[-1], cells).T
        counts = jnp.moveaxis(counts, -1, axis)
    return counts


def _parts(count, cells):
    """Return the part of each of `count` cells that lies in each of others."""
    edges = np.arange(count + 1) / count * cells
    low = np.maximum(edges[None, :-1], np.arange(cells)[:, None])
    high = np.minimum(edges[None, 1:], np.arange(cells)[:, None] + 1)
    return np.maximum(high - low, 0) * count / cells


@dataclasses.dataclass(frozen=True)
class Length:
    """How long a training is: a number of steps, or until a time.

    Attributes:
        steps: Number of steps, or `None`.
        until: What `time.monotonic()` then says, or `None`.
    """

    steps: int | None = None
    until: float | None = None

    def progress(self, step, start):
        """Return how much of the training is done, in 0..1."""
        if self.steps is not None:
            return step / self.steps
        now = time.monotonic()
        return min((now - start) / max(self.until - start, 1e-3), 1.0)


def values(variables):
    """Return the values of Keras variables."""
    return [variable.value for variable in variables]


def predicted(network, trainable, others, images):
    """Return a network's maps of images, not training."""
    return network.stateless_call(trainable, others, images, training=False)[0]


def train(
    networks,
    error: Callable,
    extra,
    draw: Callable,
    rates: Callable,
    length: Length,
    validate: Callable,
    *,
    checks: int = 10,
    log: Callable = print,
):
    """Train networks together, each for itself, and give them the result.

    The result is the running mean of the weights, where it was best on
    validation.

    Args:
        networks: List of `keras.Model`.
        error: Function `(maps of each network, extra, batch)`; see `extra`. It
            is given a function that maps a network's number and images to
            maps, and returns the list of errors, one per network.
        extra: Structure of arrays that `error` needs.
        draw: Function from the progress in 0..1 to a batch, a dictionary of
            NumPy arrays.
        rates: Function from the progress to the learning rates of backbone
            and head.
        length: How long.
        validate: Function from the values of the trainable variables of a
            network, its number first, to a dictionary of numbers, "cc" among
            them.
        checks: Number of validations.
        log: Function that takes a dictionary.

    Returns:
        List of a dictionary per network: what `validate` returned at the best.
    """
    trainable = [values(n.trainable_variables) for n in networks]
    others = [values(n.non_trainable_variables) for n in networks]
    bodies = [
        [not v.path.startswith("saliency/") for v in n.trainable_variables]
        for n in networks
    ]
    step = _step_of(networks, error, bodies)
    zeros = jax.tree.map(jnp.zeros_like, trainable)
    state = (
        jax.tree.map(jnp.copy, trainable),
        jax.tree.map(jnp.copy, others),
        zeros,
        jax.tree.map(jnp.copy, zeros),
        jax.tree.map(jnp.copy, trainable),
        jnp.zeros((), "int32"),
    )
    best: list = [None] * len(networks)
    kept: list = [None] * len(networks)
    waiting: list = []
    start, count, checked = time.monotonic(), 0, 0
    progress, spent = 0.0, 0.0
    while progress < 1:
        state, errors = step(state, extra, draw(progress), rates(progress))
        waiting.append(errors)
        count += 1
        if count == 1:
            jax.block_until_ready(errors)
            compiled = time.monotonic() - start
            start = since = time.monotonic()
        elif len(waiting) > 2:
            # Not further ahead of the device than two steps.
            jax.block_until_ready(waiting[-3])
        progress = length.progress(count, start)
        if progress * checks >= checked + 1 or progress >= 1:
            checked = int(progress * checks)
            recent = np.mean([np.asarray(e) for e in waiting[-50:]], axis=0)
            waiting = waiting[-2:]
            spent += time.monotonic() - since
            for n in range(len(networks)):
                found = validate(n, state[4][n])
                log(
                    {
                        "network": networks[n].name,
                        "progress": round(progress, 3),
                        "steps": count,
                        "seconds": round(time.monotonic() - start, 1),
                        "compiling": round(compiled, 1),
                        "step": round(spent / max(count - 1, 1), 5),
                        "error": float(recent[n]),
                        **found,
                    }
                )
                if best[n] is None or found["cc"] > best[n]["cc"]:
                    best[n] = {**found, "steps": count}
                    kept[n] = [np.asarray(v) for v in state[4][n]]
            since = time.monotonic()
    for network, weights in zip(networks, kept, strict=True):
        for variable, value in zip(
            network.trainable_variables, weights, strict=True
        ):
            variable.assign(value)
    return best


def _step_of(networks, error, bodies):
    """Return the compiled step of AdamW with clipped gradients."""

    def total(trainable, others, extra, batch):
        after = list(others)

        def ask(n, images):
            maps, after[n] = networks[n].stateless_call(
                trainable[n], others[n], images, training=True
            )
            return maps

        errors = error(ask, extra, batch)
        return sum(errors), (after, jnp.stack(errors))

    def step(state, extra, batch, rates):
        trainable, others, first, second, mean, count = state
        gradients, (others, errors) = jax.grad(total, has_aux=True)(
            trainable, others, extra, batch
        )
        count = count + 1
        t = count.astype("float32")
        after = []
        for k in range(len(networks)):
            length = jnp.sqrt(sum(jnp.sum(g**2) for g in gradients[k]))
            factor = jnp.minimum(1, LONGEST / (length + 1e-6))
            after.append(
                [
                    _moved(w, factor * g, m, v, s, t, rates[0 if b else 1])
                    for w, g, m, v, s, b in zip(
                        trainable[k],
                        gradients[k],
                        first[k],
                        second[k],
                        mean[k],
                        bodies[k],
                        strict=True,
                    )
                ]
            )
        trainable, first, second, mean = (
            [[each[part] for each in one] for one in after] for part in range(4)
        )
        return (trainable, others, first, second, mean, count), errors

    return jax.jit(step, donate_argnums=0)


def _moved(weight, gradient, first, second, mean, t, rate):
    first = 0.9 * first + 0.1 * gradient
    second = 0.999 * second + 0.001 * gradient**2
    size = jnp.sqrt(second / (1 - 0.999**t)) + 1e-8
    change = first / (1 - 0.9**t) / size + DECAY * weight
    weight = weight - rate * change
    keep = jnp.minimum(AVERAGING, (1 + t) / (10 + t))
    return weight, first, second, keep * mean + (1 - keep) * weight


def correlation_and_divergence(maps, density):
    """Return the mean CC and KL of maps and densities `(n, h, w)`."""
    maps, density = (np.asarray(m, "float64") for m in (maps, density))
    flat = maps.reshape(len(maps), -1), density.reshape(len(maps), -1)
    a, b = (f - f.mean(1, keepdims=True) for f in flat)
    norm = np.sqrt((a**2).sum(1) * (b**2).sum(1))
    p, q = (f / f.sum(1, keepdims=True) for f in flat)
    divergence = (q * np.log(1e-12 + q / (p + 1e-12))).sum(1)
    return {
        "cc": float(((a * b).sum(1) / norm).mean()),
        "kl": float(divergence.mean()),
    }


def validator(networks, arrays, batch_size=20):
    """Return a function for `validate` of `train`.

    Images and their mirror images are asked, and the maps averaged.

    Args:
        networks: The networks.
        arrays: Arrays of `arrays_of` of the validation part.
        batch_size: Images per call.
    """
    held = on_device(arrays)

    def ask(n, trainable, others, held, index):
        network = networks[n]
        size = network.input_shape[1:3]
        count = len(index)
        batch = {
            "index": index,
            "box": jnp.tile(jnp.array([0.0, 0, 1, 1]), (count, 1)),
            "flip": jnp.zeros(count, bool),
            "color": jnp.ones((count, 3)),
        }
        (images,), y = cut(held, batch, [size], network.map_size)
        maps = predicted(network, trainable, others, images)
        mirrored = predicted(network, trainable, others, images[:, :, ::-1])
        both = as_density(maps) + as_density(mirrored)[:, :, ::-1]
        return maps[..., 0], both[..., 0], targets.density(y)[..., 0]

    ask = jax.jit(ask, static_argnums=0)

    def validate(n, trainable):
        others = values(networks[n].non_trainable_variables)
        parts = []
        for start in range(0, len(arrays["images"]), batch_size):
            index = np.arange(start, start + batch_size)
            index = np.minimum(index, len(arrays["images"]) - 1)
            found = ask(n, trainable, others, held, jnp.asarray(index))
            parts.append([np.asarray(each) for each in found])
        count = len(arrays["images"])
        maps, both, density = (
            np.concatenate(each)[:count] for each in zip(*parts, strict=True)
        )
        alone = correlation_and_divergence(maps, density)
        mirrored = correlation_and_divergence(both, density)
        return {
            "cc": mirrored["cc"],
            "kl": mirrored["kl"],
            "cc_alone": alone["cc"],
            "kl_alone": alone["kl"],
        }

    return validate
