"""Small networks taught by the best, in two sizes: `small` and `bundled`.

    KERAS_BACKEND=jax python examples/distil.py --data MIT1003 \
        --extra SALICON=PATH OSIE=PATH Scene=PATH \
        --teachers best --students small bundled \
        --backbone-weights FILE --steps 6000 --precision mixed_bfloat16

Each step cuts, mirrors and colors images of all the sets by chance. The
teachers, published whole models or files such as members.py writes, see them as
the students do, at their own size; the mean of their densities, mixed with the
observers' density, is what a student is to give (5 KLD + 5 CC), and it is to
find the fixations (NSS). The students, `models.DensityNet` on
EfficientNet-Lite0, learn from the same batches, each for itself. They are
measured on MIT1003's validation part and written to
`RESULTS/students/STUDENT.keras`. It needs Keras' backend JAX.
"""

import functools
import time
from pathlib import Path

import jax
import keras
import lessons
import members
from jax import numpy as jnp

from keras_saliency import losses, models, targets
from keras_saliency.experiments import command_line

STUDENTS = {
    "small": {
        "input_shape": (288, 384, 3),
        "backbone": "efficientnet_lite0",
        "filters": 64,
        "depth": 16,
        "dropout": 0.0,
        "name": "small",
    },
    "bundled": {
        "input_shape": (192, 256, 3),
        "backbone": "efficientnet_lite0",
        "levels": 2,
        "filters": 48,
        "depth": 16,
        "dropout": 0.0,
        "name": "bundled",
    },
}
RATES = (5e-4, 1e-3)
BATCH_SIZE = 24
AUGMENTATION = lessons.Augmentation(
    whole=0.25, least=0.5, stretch=0.2, colors=0.3
)
# Share of the observers' density in what is learned: of MIT1003's images, and
# of others, whose observers looked under other conditions.
OWN_SHARE = 0.4
OTHERS_SHARE = 0.15


def main(arguments=None):
    """Train the students and measure them."""
    began = time.monotonic()
    parser = command_line.parser(__doc__)
    command_line.add_data_arguments(parser)
    members.add_arguments(parser)
    parser.add_argument(
        "--teachers", nargs="+", type=Path, required=True, metavar="MODEL"
    )
    parser.add_argument(
        "--students", nargs="+", choices=STUDENTS, default=list(STUDENTS)
    )
    arguments = parser.parse_args(arguments)
    length = members.length_of(arguments, began)
    train, validation, first = members.data_of(arguments)
    keras.utils.set_random_seed(arguments.seed)
    keras.config.set_dtype_policy(arguments.precision)
    teachers = [models.get(path) for path in arguments.teachers]
    students = [
        models.DensityNet(
            **STUDENTS[name], backbone_weights=arguments.backbone_weights
        )
        for name in arguments.students
    ]
    keras.config.set_dtype_policy("float32")
    weights = [
        (
            lessons.values(each.trainable_variables),
            lessons.values(each.non_trainable_variables),
        )
        for each in teachers
    ]
    folder = arguments.results / "students"
    journal = members.Journal(folder, "-".join(arguments.students))
    best = lessons.train(
        students,
        functools.partial(error, teachers, students, loss()),
        (lessons.on_device(train), weights),
        drawing(train["sets"], first, arguments.seed),
        functools.partial(members.rates, RATES),
        length,
        lessons.validator(students, validation),
        log=journal,
    )
    journal.finish(
        {
            "best": best,
            "teachers": [path.name for path in arguments.teachers],
            "students": [STUDENTS[name] for name in arguments.students],
        }
    )
    for name, student in zip(arguments.students, students, strict=True):
        members.save(student, STUDENTS[name], folder, name)


def loss():
    """Return the students' loss."""
    return (
        5 * losses.KLDivergence()
        + 5 * losses.CorrelationCoefficient()
        + 0.5 * losses.NormalizedScanpathSaliency()
    )


def drawing(sets, first, seed):
    """Return a function that draws a batch, shares of the observers too."""
    drawn = members.drawing(sets, first, BATCH_SIZE, seed, AUGMENTATION)

    def draw(progress):
        batch = drawn(progress)
        own = sets[batch["index"]] == first
        batch["share"] = (own * OWN_SHARE + ~own * OTHERS_SHARE).astype("f4")
        return batch

    return draw


def error(teachers, students, loss, ask, extra, batch):
    """Return the loss of each student."""
    arrays, weights = extra
    sizes = [network.input_shape[1:3] for network in (*teachers, *students)]
    largest = max(each.map_size for each in (*teachers, *students))
    distinct = list(dict.fromkeys(sizes))
    images, y = lessons.cut(arrays, batch, distinct, largest)
    given = [images[distinct.index(size)] for size in sizes]
    taught = [
        lessons.as_density(
            lessons.resized(lessons.predicted(teacher, *values, each), largest)
        )
        for teacher, values, each in zip(
            teachers, weights, given[: len(teachers)], strict=True
        )
    ]
    taught = jax.lax.stop_gradient(sum(taught) / len(taught))
    seen = lessons.as_density(targets.density(y))
    share = batch["share"][:, None, None, None]
    wanted = share * seen + (1 - share) * taught
    return [
        loss(
            packed(wanted, y, student.map_size),
            ask(n, given[len(teachers) + n]),
        )
        for n, student in enumerate(students)
    ]


def packed(density, y, size):
    """Return targets of a student's size from densities and a batch's."""
    density = lessons.resized(density, size)
    # Fixations are counted anew in larger cells: each cell's share of them.
    counts = lessons.summed(y[..., 1:], size)
    return jnp.concatenate([density, counts], -1)


if __name__ == "__main__":
    command_line.run(main)
