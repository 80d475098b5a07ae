"""A small network taught by a large one: the model that `predict` uses.

    python examples/distil.py --data MIT1003 --teacher best \
        --extra OSIE=PATH Scene=PATH --backbone-weights FILE

The teacher, a published model, predicts a map of each training image of
MIT1003 and of each image of the extra sets. The student (`models.FastNet`)
learns, on crops and mirror images of them, to give the same map (KLD and CC),
to find the real fixations (NSS), and, through a layer that is thrown away
afterwards, the teacher's features. The student of the last epoch is measured
on the validation part and written to `RESULTS/fast_net.keras`. If the command
is stopped, the same command goes on after the last epoch it finished.
"""

import itertools

import cv2
import keras
import numpy as np

from keras_saliency import (
    callbacks,
    evaluation,
    experiments,
    models,
    targets,
)
from keras_saliency.experiments import command_line, feature_batches
from keras_saliency.images import resize
from keras_saliency.layers import RMSScaling

# Images are kept at this size and cropped to the student's.
KEPT_SIZE = (300, 400)
# Layer of the student that learns features, a sixteenth of its input's size.
FEATURES_FROM = "stage4_out"
# How many of the teacher's levels are learned, from the last.
LEVELS = 2


class Lessons(keras.utils.PyDataset):
    """Batches of images with the teacher's maps and features.

    Args:
        sources: One triple per data set: the data set, its cached features,
            and the teacher's maps.
        student: The network they are for.
        batch_size: Images per batch.
        seed: Seed of order, crops and mirroring.
    """

    def __init__(self, sources, student, batch_size, seed):
        super().__init__(workers=2, max_queue_size=4)
        self._sources = sources
        self._images = [
            [dataset.image(i, KEPT_SIZE) for i in range(len(dataset))]
            for dataset, _, _ in sources
        ]
        self._places = [
            (k, i)
            for k, (dataset, _, _) in enumerate(sources)
            for i in range(len(dataset))
        ]
        self._image_size = student.input_shape[1:3]
        self._map_size = student.map_size
        self._feature_size = student.get_layer(FEATURES_FROM).output.shape[1:3]
        self._batch_size = batch_size
        self._seed = seed
        self.pass_number = 0

    def __len__(self):
        return len(self._places) // self._batch_size

    def on_epoch_end(self):
        """Shuffle for the next pass."""
        self.pass_number += 1

    @property
    def pass_number(self):
        """Number of the present pass, which decides the order."""
        return self._pass

    @pass_number.setter
    def pass_number(self, number):
        self._pass = number
        self._order = np.arange(len(self._places))
        if number:
            rng = np.random.default_rng([self._seed, number])
            self._order = rng.permutation(len(self._places))

    def __getitem__(self, batch):
        start = batch * self._batch_size
        chosen = self._order[start : start + self._batch_size]
        rng = np.random.default_rng([self._seed, self._pass, batch])
        parts = [self._sample(*self._places[n], rng) for n in chosen]
        images, density, fixations, features, known = zip(*parts, strict=True)
        y = (
            targets.pack(np.stack(density), np.stack(fixations)),
            np.stack(features),
        )
        known = np.asarray(known, "float32")
        return np.stack(images), y, (np.ones_like(known), known)

    def _sample(self, k, i, rng):
        dataset, cached, maps = self._sources[k]
        scale = rng.uniform(0.75, 1.0, 2)
        top, left = rng.uniform(0, 1 - scale)
        box = (top, left, top + scale[0], left + scale[1])
        flip = bool(rng.integers(2))
        image = crop(self._images[k][i], box, self._image_size)
        density = crop(maps[i, :, :, 0], box, self._map_size)
        x, y = dataset.fixation_points(i)
        rows, columns = dataset.sizes[i]
        x = (x / columns - left) / scale[1]
        y = (y / rows - top) / scale[0]
        inside = (x >= 0) & (x < 1) & (y >= 0) & (y < 1)
        height, width = self._map_size
        fixations = np.zeros(self._map_size, "float32")
        np.add.at(
            fixations,
            ((y[inside] * height).astype(int), (x[inside] * width).astype(int)),
            1,
        )
        # Channels of a mirrored image are not mirrored channels.
        features = np.concatenate(
            [
                crop(level[0].astype("float32"), box, self._feature_size)
                for level in cached.features([(i, False)])[-LEVELS:]
            ],
            axis=-1,
        )
        if flip:
            image, density = image[:, ::-1], density[:, ::-1]
            fixations = fixations[:, ::-1]
        return image, density / density.max(), fixations, features, not flip


def crop(array, box, size):
    """Return the part of an array in a box of relative sides, resized."""
    height, width = array.shape[:2]
    top, left, bottom, right = box
    rows = slice(round(top * height), max(round(bottom * height), 1))
    columns = slice(round(left * width), max(round(right * width), 1))
    part = np.ascontiguousarray(array[rows, columns])
    if array.ndim == 2 or array.shape[-1] == 3:
        return resize(part, size)
    # OpenCV averages areas of four channels at most, and takes 128 at once.
    return np.concatenate(
        [
            cv2.resize(part[..., k : k + 64], size[::-1])
            for k in range(0, part.shape[-1], 64)
        ],
        axis=-1,
    )


def main(arguments=None):
    """Ask the teacher, train the student, measure it."""
    parser = command_line.parser(__doc__)
    command_line.add_data_arguments(parser)
    parser.add_argument("--teacher", default="best")
    parser.add_argument(
        "--extra",
        type=command_line.named_folder,
        nargs="*",
        default=[],
        metavar="NAME=PATH",
    )
    parser.add_argument("--epochs", type=command_line.count, default=40)
    parser.add_argument("--batch-size", type=command_line.count, default=16)
    parser.add_argument("--learning-rate", type=command_line.rate, default=2e-3)
    arguments = parser.parse_args(arguments)
    try:
        teacher = models.get(
            arguments.teacher, backbone_weights=arguments.backbone_weights
        )
    except ValueError as error:
        parser.error(str(error))
    if not isinstance(teacher, models.Baseline):
        parser.error(f"--teacher: {arguments.teacher} is no models.Baseline")
    parts = command_line.load_parts(arguments.data)
    taught = [parts["train"]]
    for name, path in arguments.extra:
        taught += command_line.load_parts(path, name).values()
    for dataset in (*taught, parts["validation"]):
        if not dataset.has_fixations:
            parser.error(f"{dataset.name} has no fixations, which are needed")
    count = sum(map(len, taught))
    if count < arguments.batch_size:
        parser.error(
            f"{count} images are less than a batch of {arguments.batch_size}"
        )
    experiments.announce(
        "distil",
        [
            experiments.Training(
                count,
                arguments.epochs,
                seconds=experiments.NETWORK_SECONDS["fast_net"],
            )
        ],
        measured=len(parts["validation"]),
        results=arguments.results,
    )
    sources = []
    for dataset in taught:
        cached = feature_batches(teacher, dataset, shuffle=False)
        maps = teacher.head.predict(cached, verbose=0)
        sources.append((dataset, cached, maps))

    keras.utils.set_random_seed(arguments.seed)
    student = models.FastNet()
    lessons = Lessons(sources, student, arguments.batch_size, arguments.seed)
    channels = [level.shape[-1] for level in teacher.backbone.output[-LEVELS:]]
    train(student, lessons, channels, arguments)
    validation = parts["validation"]
    images = np.stack(
        [
            validation.image(i, student.input_shape[1:3])
            for i in range(len(validation))
        ]
    )
    maps = student.predict(images, verbose=0)
    print(evaluation.evaluate(maps, validation, verbose=0))
    path = arguments.results / "fast_net.keras"
    with experiments.replacing(path) as new:
        student.save(new)
    print(path)


def train(student, lessons, channels, arguments):
    """Train the student with a layer for features beside its map."""
    features = keras.layers.Conv2D(sum(channels), 1, name="features")(
        student.get_layer(FEATURES_FROM).output
    )
    whole = keras.Model(student.input, [student.output, features])
    steps = len(lessons) * arguments.epochs
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps, warmup_target=arguments.learning_rate, warmup_steps=100
    )
    whole.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=1e-2),
        loss=[student.recommended_loss(), FeatureError(channels)],
        loss_weights=[1.0, 1.0],
    )
    whole.fit(
        lessons,
        epochs=arguments.epochs,
        verbose=2,
        callbacks=[
            callbacks.Resume(
                arguments.results / "fast_net_unfinished.npz",
                data=lessons,
                delete=True,
            )
        ],
    )


class FeatureError(keras.losses.Loss):
    """Mean squared error of features scaled to a root mean square of one.

    Args:
        channels: Number of channels of each level; each is scaled by itself.
    """

    def __init__(self, channels):
        super().__init__(name="features")
        self._bounds = np.cumsum([0, *channels]).tolist()

    def call(self, y_true, y_pred):
        """Return one value per image, `(batch,)`."""
        scaling = RMSScaling(dtype="float32")
        levels = [
            scaling(y_true[..., start:end])
            for start, end in itertools.pairwise(self._bounds)
        ]
        wanted = keras.ops.concatenate(levels, axis=-1)
        error = keras.ops.square(wanted - keras.ops.cast(y_pred, "float32"))
        return keras.ops.mean(error, axis=(1, 2, 3))


if __name__ == "__main__":
    command_line.run(main)
