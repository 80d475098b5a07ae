"""Networks on one backbone each, of which the best model is made.

    KERAS_BACKEND=jax python examples/members.py --data MIT1003 \
        --extra SALICON=PATH OSIE=PATH Scene=PATH --member resnet50 \
        --backbone-weights FILE --steps 2500 --precision mixed_bfloat16

trains `models.DensityNet`, its backbone whole, on all images of the extra sets
and the training part of MIT1003 at once: MIT1003's share grows towards the
end. Images are mirrored, cut a little and their colors changed; the loss is 5
KLD + 5 CC + NSS; the result is the running mean of the weights. It is measured
on MIT1003's validation part and written to `RESULTS/members/MEMBER.keras`, with
a `.json` of what was measured on the way. It needs Keras' backend JAX, and for
sizes as these a GPU. `models.Ensemble` joins members to one model.
"""

import functools
import json
import time
from pathlib import Path

import keras
import lessons
import numpy as np

from keras_saliency import experiments, models
from keras_saliency.experiments import command_line

# Of each member: rates of backbone and head, images per step.
MEMBERS = {
    "resnet50": {"rates": (5e-5, 1e-3), "batch_size": 16},
    "vgg16": {"rates": (5e-5, 1e-3), "batch_size": 16},
    "efficientnet_lite0": {"rates": (2e-4, 1e-3), "batch_size": 16},
    "efficientnet_lite2": {"rates": (2e-4, 1e-3), "batch_size": 16},
}
# The head learns alone for this part of the training, then the rate of the
# backbone rises over as much again.
ALONE = 0.04
# Share of MIT1003's images in the last step; at first they have their own.
LAST_SHARE = 0.7


def main(arguments=None):
    """Train a member and measure it."""
    began = time.monotonic()
    parser = command_line.parser(__doc__)
    command_line.add_data_arguments(parser)
    add_arguments(parser)
    parser.add_argument("--member", choices=MEMBERS, default="resnet50")
    parser.add_argument(
        "--frozen-stages",
        type=command_line.count_or_none,
        default=0,
        help="first stages of the backbone that do not train (default: none)",
    )
    arguments = parser.parse_args(arguments)
    length = length_of(arguments, began)
    train, validation, first = data_of(arguments)
    keras.utils.set_random_seed(arguments.seed)
    options = {
        "input_shape": (*arguments.input_size, 3),
        "backbone": arguments.member,
        "frozen_stages": arguments.frozen_stages,
        "name": arguments.member,
    }
    keras.config.set_dtype_policy(arguments.precision)
    network = models.DensityNet(
        **options, backbone_weights=arguments.backbone_weights
    )
    keras.config.set_dtype_policy("float32")
    recipe = MEMBERS[arguments.member]
    journal = Journal(arguments.results / "members", arguments.member)
    best = lessons.train(
        network,
        functools.partial(error, network, network.recommended_loss()),
        lessons.on_device(train),
        drawing(train["sets"], first, recipe["batch_size"], arguments.seed),
        functools.partial(rates, recipe["rates"]),
        length,
        lessons.validator(network, validation),
        log=journal,
    )
    journal.finish({"best": best, "options": options, "recipe": recipe})
    save(network, options, arguments.results / "members", arguments.member)


def error(network, loss, ask, arrays, batch):
    """Return the loss of a batch."""
    images, y = lessons.cut(
        arrays, batch, network.input_shape[1:3], network.map_size
    )
    return loss(y, ask(images))


def rates(highest, progress):
    """Return the learning rates of backbone and head."""
    fall = 0.5 * (1 + np.cos(np.pi * progress))
    rise = np.clip((progress - ALONE) / ALONE, 0, 1)
    start = np.clip(progress / 0.01, 0.1, 1)
    return np.float32(highest[0] * rise * fall), np.float32(
        highest[1] * start * fall
    )


def drawing(sets, first, batch_size, seed):
    """Return a function that draws a batch.

    Args:
        sets: Number of the data set of each image.
        first: Number of the data set whose share grows.
        batch_size: Images per batch.
        seed: Seed of what is drawn.
    """
    rng = np.random.default_rng(seed)
    augmentation = lessons.Augmentation()
    own = np.flatnonzero(sets == first)
    others = np.flatnonzero(sets != first)
    share = len(own) / len(sets)
    last = max(share, LAST_SHARE) if len(others) else 1.0

    def draw(progress):
        now = share + (last - share) * max(2 * progress - 1, 0)
        count = rng.binomial(batch_size, now)
        index = np.concatenate(
            [
                rng.choice(own, count),
                rng.choice(others if len(others) else own, batch_size - count),
            ]
        )
        return {"index": index, **augmentation.draw(rng, batch_size)}

    return draw


def add_arguments(parser):
    """Add the arguments of data and training."""
    command_line.add_extra_argument(parser)
    parser.add_argument("--steps", type=command_line.count, default=2500)
    parser.add_argument(
        "--seconds",
        type=command_line.count,
        help="end after so many seconds in all, in place of --steps: the "
        "learning rates follow the clock",
    )
    parser.add_argument(
        "--input-size",
        type=command_line.input_size,
        default=(384, 512),
        metavar="HEIGHTxWIDTH",
    )
    parser.add_argument(
        "--precision", default="float32", choices=command_line.PRECISIONS
    )
    parser.add_argument(
        "--kept",
        type=Path,
        metavar="FILE",
        help="file of the decoded images, which several commands can share",
    )


def length_of(arguments, began):
    """Return how long the training is to be."""
    if keras.backend.backend() != "jax":
        raise SystemExit("This needs Keras' backend JAX: KERAS_BACKEND=jax.")
    if arguments.seconds is None:
        return lessons.Length(steps=arguments.steps)
    return lessons.Length(until=began + arguments.seconds)


def data_of(arguments):
    """Return arrays of all training images and of the validation part.

    The third is the number of the data set of `--data` among the first's.
    """
    kept = arguments.kept
    if kept and kept.is_file():
        with np.load(kept) as file:
            found = dict(file)
    else:
        found = read(arguments)
        if kept:
            with experiments.replacing(kept) as new, new.open("wb") as file:
                np.savez(file, **found)
    train, validation = (
        {
            name.removeprefix(part): value
            for name, value in found.items()
            if name.startswith(part)
        }
        for part in ("train_", "validation_")
    )
    return train, validation, int(train["sets"].max())


def read(arguments):
    """Read and decode all images."""
    parts = command_line.load_parts(arguments.data)
    extra = command_line.load_extra(arguments.extra)
    taught = [*extra, parts["train"]]
    return {
        f"{part}_{name}": value
        for part, arrays in (
            ("train", lessons.arrays_of(taught)),
            ("validation", lessons.arrays_of([parts["validation"]])),
        )
        for name, value in arrays.items()
    }


class Journal:
    """What was measured on the way, printed and kept in a file."""

    def __init__(self, folder, name):
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{name}.json"
        self._lines = []

    def __call__(self, line):
        """Add a line."""
        self._lines.append(line)
        print(json.dumps(line), flush=True)
        self.finish({})

    def finish(self, facts):
        """Write it."""
        text = json.dumps({**facts, "progress": self._lines}, indent=1)
        self._path.write_text(text + "\n", encoding="utf-8")


def save(network, options, folder, name):
    """Write a network in float32, whatever it was trained in."""
    plain = type(network)(**options, backbone_weights=None)
    plain.set_weights(network.get_weights())
    with experiments.replacing(folder / f"{name}.keras") as new:
        plain.save(new)
    print(folder / f"{name}.keras", flush=True)


if __name__ == "__main__":
    command_line.run(main)
