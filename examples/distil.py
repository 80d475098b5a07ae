"""Small networks taught by larger ones, in two sizes: `small` and `bundled`.

    python examples/distil.py --data MIT1003 \
        --extra SALICON=PATH OSIE=PATH Scene=PATH \
        --teachers best --students small bundled \
        --backbone-weights FILE --epochs 20

The teachers, published models or `.keras` files, see each image once; their
maps are kept in `RESULTS/students/maps`. What a student is to give is a mixture
of the mean of the teachers' densities and of the observers' density (5 KLD +
5 CC), and it is to find the fixations (NSS). In each pass an image of a set is
mirrored, cut and colored by chance, its density and its fixations with it. The
students, `models.DensityNet` on EfficientNet-Lite0, keep the running mean of
their weights. They are measured on MIT1003's validation part at the images' own
sizes and written to `RESULTS/students/STUDENT/STUDENT.keras`. What is done is
not done again, and a training that was stopped goes on.
"""

from pathlib import Path

import cv2
import numpy as np

from keras_saliency import (
    datasets,
    evaluation,
    experiments,
    images,
    losses,
    models,
)
from keras_saliency.experiments import command_line, runs

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
RECIPE = experiments.Recipe(
    epochs=20, learning_rate=5e-4, batch_size=24, flip=True, ema=0.99
)
# What images, densities and fixations of all sets are brought to.
FRAME = (96, 128)
# Share of the observers' density in what is learned: of the images of --data,
# and of others, whose observers looked under other conditions.
OWN_SHARE, OTHERS_SHARE = 0.4, 0.15
# Of the images: part that is not cut, smallest side of a cut, logarithm of the
# largest change of the sides' ratio, largest change of the colors.
WHOLE, LEAST, STRETCH, COLORS = 0.25, 0.5, 0.2, 0.3


def main(arguments=None):
    """Train the students and measure them."""
    parser = command_line.parser(__doc__)
    command_line.add_training_arguments(parser)
    parser.set_defaults(epochs=RECIPE.epochs)
    command_line.add_extra_argument(parser)
    parser.add_argument("--teachers", nargs="+", required=True, metavar="MODEL")
    parser.add_argument(
        "--teacher-precision",
        default="float32",
        choices=command_line.PRECISIONS,
        help="precision of the teachers' maps (default: %(default)s)",
    )
    parser.add_argument(
        "--students", nargs="+", choices=STUDENTS, default=list(STUDENTS)
    )
    arguments = parser.parse_args(arguments)
    parts = command_line.load_parts(arguments.data)
    sets = [
        parts["train"].with_fixations(),
        *command_line.load_extra(arguments.extra),
    ]
    experiments.announce(
        "distil",
        [
            experiments.Training(sum(map(len, sets)), arguments.epochs)
            for _ in arguments.students
        ],
        measured=len(parts["validation"]) * len(arguments.students),
        results=arguments.results,
    )
    folder = arguments.results / "students"
    with experiments.precision(arguments.teacher_precision):
        teachers = {Path(n).stem: models.get(n) for n in arguments.teachers}
    shares = [OWN_SHARE, *[OTHERS_SHARE] * len(arguments.extra)]
    densities = [
        wanted(dataset, said(teachers, dataset, folder), share)
        for dataset, share in zip(sets, shares, strict=True)
    ]
    for name in arguments.students:
        run = train(name, arguments, sets, densities, folder / name)
        run.model.save(run.folder / f"{name}.keras")
        result = evaluation.evaluate(run.model, parts["validation"])
        result.to_csv(run.folder / "validation.csv")
        print(f"\n{name}\n{result}", flush=True)


def said(teachers, dataset, folder):
    """Return the mean of the teachers' densities of a data set's images."""
    total = 0
    (folder / "maps").mkdir(parents=True, exist_ok=True)
    for name, teacher in teachers.items():
        path = folder / "maps" / f"{name}_{dataset.name}.npz"
        kept = experiments.kept_maps(teacher, dataset, path)
        maps = [images.resize(kept[each], FRAME) for each in dataset.names]
        total = total + np.stack([each / each.sum() for each in maps])
    return total / len(teachers)


def wanted(dataset, taught, share):
    """Return the densities that a student is to give, each with sum 1."""
    seen = np.stack([dataset.density(i, FRAME) for i in range(len(dataset))])
    seen /= seen.sum((1, 2), keepdims=True)
    return (share * seen + (1 - share) * taught).astype("float32")


def train(name, arguments, sets, densities, folder):
    """Train a student, or read its training, and return the `Run`."""
    settings = {
        "student": STUDENTS[name],
        "teachers": [Path(each).stem for each in arguments.teachers],
        "images": {dataset.name: len(dataset) for dataset in sets},
        "epochs": arguments.epochs,
        "precision": arguments.precision,
        "seed": arguments.seed,
    }

    def build(trains):
        if not trains:
            return models.DensityNet(**STUDENTS[name], backbone_weights=None)
        with experiments.precision(arguments.precision):
            return models.DensityNet(
                **STUDENTS[name], backbone_weights=arguments.backbone_weights
            )

    def prepare(student):
        batches = datasets.SaliencySequence(
            joined(sets, densities, student.input_shape[1:3]),
            batch_size=RECIPE.batch_size,
            image_size=student.input_shape[1:3],
            map_size=student.map_size,
            flip=RECIPE.flip,
            augment=changed,
            seed=arguments.seed,
        )
        steps = arguments.epochs * len(batches)
        student.compile(RECIPE.optimizer(steps), loss())
        return batches

    return runs.fit(
        folder,
        settings,
        build,
        prepare,
        kind=runs.NETWORK,
        epochs=arguments.epochs,
        seed=arguments.seed,
    )


def loss():
    """Return the students' loss."""
    return (
        5 * losses.KLDivergence()
        + 5 * losses.CorrelationCoefficient()
        + 0.5 * losses.NormalizedScanpathSaliency()
    )


def joined(sets, densities, image_size):
    """Return one data set of the images of several, all in one frame."""
    index, points, pixels, names = [], [], [], []
    for dataset in sets:
        for i, name in enumerate(dataset.names):
            x, y = dataset.fixation_points(i)
            height, width = dataset.sizes[i]
            scale = np.divide(FRAME[::-1], (width, height))
            points.append(np.column_stack([x, y]) * scale)
            index += [len(names)] * len(x)
            pixels.append(dataset.image(i, image_size))
            names.append(f"{dataset.name}/{name}")
    x, y = np.concatenate(points).T
    return datasets.SaliencyDataset(
        "students",
        pixels,
        names=names,
        sizes=[FRAME] * len(names),
        fixations=datasets.Fixations(index, x, y),
        densities=list(np.concatenate(densities)),
    )


def changed(image, points, density, rng):
    """Return an image, cut and colored by chance, and what lies on it."""
    size = np.array(image.shape[:2])
    if rng.random() >= WHOLE:
        ratio = np.exp(rng.uniform(-STRETCH, STRETCH))
        part = rng.uniform(LEAST, 1) * np.array([ratio, 1 / ratio])
        side = np.round(np.minimum(part, 1) * size).astype(int)
        top, left = (rng.random(2) * (size - side + 1)).astype(int)
        rows = slice(top, top + side[0])
        columns = slice(left, left + side[1])
        image = cv2.resize(image[rows, columns], size[::-1].tolist())
        density = cv2.resize(density[rows, columns], size[::-1].tolist())
        points = (points - (left, top)) * (size / side)[::-1]
    brightness, contrast, saturation = 1 + rng.uniform(-COLORS, COLORS, 3)
    gray = image.mean(-1, keepdims=True)
    pixels = gray + saturation * (image - gray)
    mean = pixels.mean()
    pixels = brightness * (mean + contrast * (pixels - mean))
    return np.clip(pixels, 0, 255).astype("uint8"), points, density


if __name__ == "__main__":
    command_line.run(main)
