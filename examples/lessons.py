"""Training on arrays that stay on the device, for members.py.

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


def cut(arrays, batch, image_size, map_size):
    """Return images and packed targets of a batch, changed as it says.

    Args:
        arrays: Arrays of `on_device`.
        batch: Dictionary of `index`, and of what `Augmentation.draw` returns.
        image_size: Size of the images.
        map_size: Size of the targets.

    Returns:
        Images `(batch, *image_size, 3)` in 0..255, and targets
        `(batch, *map_size, 2)`.
    """
    index, box, flip = batch["index"], batch["box"], batch["flip"]
    kept = arrays["images"][index].astype("float32")
    images = colored(resampled(kept, box, flip, image_size), batch["color"])
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


def train(
    network,
    error: Callable,
    arrays,
    draw: Callable,
    rates: Callable,
    length: Length,
    validate: Callable,
    *,
    checks: int = 10,
    log: Callable = print,
):
    """Train a network, and give it the result.

    The result is the running mean of the weights, where it was best on
    validation.

    Args:
        network: A `keras.Model`.
        error: Function `(ask, arrays, batch)` that returns the error; `ask`
            is a function from images to the network's maps.
        arrays: Arrays of `on_device`.
        draw: Function from the progress in 0..1 to a batch, a dictionary of
            NumPy arrays.
        rates: Function from the progress to the learning rates of backbone
            and head.
        length: How long.
        validate: Function from the values of the trainable variables to a
            dictionary of numbers, "cc" among them.
        checks: Number of validations.
        log: Function that takes a dictionary.

    Returns:
        What `validate` returned at the best, and the number of steps.
    """
    trainable = values(network.trainable_variables)
    others = values(network.non_trainable_variables)
    step = _step_of(network, error)
    zeros = jax.tree.map(jnp.zeros_like, trainable)
    state = (
        jax.tree.map(jnp.copy, trainable),
        jax.tree.map(jnp.copy, others),
        zeros,
        jax.tree.map(jnp.copy, zeros),
        jax.tree.map(jnp.copy, trainable),
        jnp.zeros((), "int32"),
    )
    best, kept = None, None
    waiting: list = []
    start, count, checked = time.monotonic(), 0, 0
    progress, spent = 0.0, 0.0
    while progress < 1:
        state, found = step(state, arrays, draw(progress), rates(progress))
        waiting.append(found)
        count += 1
        if count == 1:
            jax.block_until_ready(found)
            compiled = time.monotonic() - start
            start = since = time.monotonic()
        elif len(waiting) > 2:
            # Not further ahead of the device than two steps.
            jax.block_until_ready(waiting[-3])
        progress = length.progress(count, start)
        if progress * checks >= checked + 1 or progress >= 1:
            checked = int(progress * checks)
            recent = np.mean([np.asarray(each) for each in waiting[-50:]])
            waiting = waiting[-2:]
            spent += time.monotonic() - since
            measured = validate(state[4])
            log(
                {
                    "progress": round(progress, 3),
                    "steps": count,
                    "seconds": round(time.monotonic() - start, 1),
                    "compiling": round(compiled, 1),
                    "step": round(spent / max(count - 1, 1), 5),
                    "error": float(recent),
                    **measured,
                }
            )
            if best is None or measured["cc"] > best["cc"]:
                best = {**measured, "steps": count}
                kept = [np.asarray(value) for value in state[4]]
            since = time.monotonic()
    for variable, value in zip(network.trainable_variables, kept, strict=True):
        variable.assign(value)
    return best


def _step_of(network, error):
    """Return the compiled step of AdamW with clipped gradients."""
    # Which variables are the backbone's.
    body = [
        not variable.path.startswith("saliency/")
        for variable in network.trainable_variables
    ]

    def total(trainable, others, arrays, batch):
        after = others

        def ask(images):
            nonlocal after
            maps, after = network.stateless_call(
                trainable, others, images, training=True
            )
            return maps

        found = error(ask, arrays, batch)
        return found, (after, found)

    def step(state, arrays, batch, rates):
        trainable, others, first, second, mean, count = state
        gradients, (others, found) = jax.grad(total, has_aux=True)(
            trainable, others, arrays, batch
        )
        count = count + 1
        t = count.astype("float32")
        length = jnp.sqrt(sum(jnp.sum(g**2) for g in gradients))
        factor = jnp.minimum(1, LONGEST / (length + 1e-6))
        after = [
            _moved(w, factor * g, m, v, s, t, rates[0 if is_body else 1])
            for w, g, m, v, s, is_body in zip(
                trainable, gradients, first, second, mean, body, strict=True
            )
        ]
        trainable, first, second, mean = map(list, zip(*after, strict=True))
        return (trainable, others, first, second, mean, count), found

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


def validator(network, arrays, batch_size=20):
    """Return a function for `validate` of `train`.

    Images and their mirror images are asked, and the maps averaged.

    Args:
        network: The network.
        arrays: Arrays of `arrays_of` of the validation part.
        batch_size: Images per call.
    """
    held = on_device(arrays)
    size = network.input_shape[1:3]

    @jax.jit
    def ask(trainable, others, held, index):
        count = len(index)
        batch = {
            "index": index,
            "box": jnp.tile(jnp.array([0.0, 0, 1, 1]), (count, 1)),
            "flip": jnp.zeros(count, bool),
            "color": jnp.ones((count, 3)),
        }
        images, y = cut(held, batch, size, network.map_size)
        maps, mirrored = (
            network.stateless_call(trainable, others, each, training=False)[0]
            for each in (images, images[:, :, ::-1])
        )
        both = as_density(maps) + as_density(mirrored)[:, :, ::-1]
        return maps[..., 0], both[..., 0], targets.density(y)[..., 0]

    def validate(trainable):
        others = values(network.non_trainable_variables)
        parts = []
        for start in range(0, len(arrays["images"]), batch_size):
            index = np.arange(start, start + batch_size)
            index = np.minimum(index, len(arrays["images"]) - 1)
            found = ask(trainable, others, held, jnp.asarray(index))
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
