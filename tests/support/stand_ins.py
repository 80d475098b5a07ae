"""What the pages take for granted: files, names, a camera, a download, time.

A page of the reference shows what is done with a data set, a model, a file of
somebody's. Here they are small, and made from nothing.
"""

import functools
import importlib.util
import itertools
import shutil
import sys

import cv2
import documents
import fake_hub
import h5py
import keras
import keras1_files
import media
import numpy as np
import publisher_layouts
import pytest
import tracker_exports

from keras_saliency import cli, datasets, evaluation, losses, models
from keras_saliency.datasets.publishers import mit1003

SIZE = (96, 128)
MAP_SIZE = (24, 32)
# Words in capitals are the reader's to fill in, of commands that are run.
PLACEHOLDERS = {
    "FILE": "vgg16.weights.h5",
    "IMAGE": "street.jpg",
    "MODEL": "MODEL.keras",
    "NAME": "bundled",
}
# Modules that programs of a page import, of packages that not all have.
NEEDS = {
    "docs/datasets.md": ("pysaliency", "torch", "albumentations"),
    "docs/export.md": ("tf2onnx", "openvino", "ai_edge_litert"),
    "docs/howto/export.md": ("tf2onnx", "onnxruntime", "ai_edge_litert"),
    "docs/howto/notebooks.md": ("pandas",),
    "docs/howto/tensorboard.md": ("tensorboard",),
    "docs/models.md": ("keras_hub",),
}


def prepare(page, reader, monkeypatch):
    """Lay out the folder and the names that a page takes for granted.

    Tutorials and answers take nothing for granted. A page whose programs take
    packages that are not installed is skipped.
    """
    for name in NEEDS.get(page, ()):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"needs {name}")
    if page.count("/") > 1:
        return
    reader.placeholders = PLACEHOLDERS
    monkeypatch.setattr(keras.Model, "fit", _impatient(keras.Model.fit))
    _without_downloads(reader.folder, monkeypatch)
    files(reader.folder)
    for name in ("docs/study", "docs/images", "weights"):
        (reader.folder / name).parent.mkdir(exist_ok=True)
        (reader.folder / name).symlink_to(documents.ROOT / name)
    name = page.removeprefix("docs/").removesuffix(".md")
    special = globals().get(f"_for_{name.lower()}")
    if special is not None:
        special(reader, monkeypatch)


def files(folder):
    """Write the files that the documents name, each the smallest there is."""
    made = datasets.generate(count=12, size=SIZE, seed=0)
    pixels = [made.image(i) for i in range(len(made))]
    for name in (
        "street.jpg",
        "a.jpg",
        "holiday/one.jpg",
        "holiday/two.jpg",
        "photos/one.jpg",
        "photos/two.jpg",
        "FOLDER/one.jpg",
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        media.write(folder / name, pixels[len(name) % 12])
    media.write_video(folder / "film.mp4", pixels[:4])
    datasets.to_compact(made, folder / "PATH", progress=False)
    for name in ("DATA", "MIT1003", "OSIE", "SCENE", "SALICON", "Scene"):
        (folder / name).symlink_to("PATH")
    (folder / "maps").mkdir()
    for name, image in zip(made.names, pixels, strict=True):
        gray = cv2.GaussianBlur(image[..., 0], (0, 0), 5)
        cv2.imwrite(str(folder / f"maps/{name}.png"), gray)
    # Scripts look whether these are what they seem before they train.
    for name in ("FILE", "LITE0", "RESNET", "TRAINED"):
        with h5py.File(folder / name, "w"):
            pass
    (folder / "CARD.json").write_text("{}")
    own = own_model()
    for name in ("MODEL.keras", "mine.keras"):
        own.save(folder / name)
    _a_set_of_ones_own(folder, made)


def own_model():
    """A small network of a reader's own."""
    return models.Baseline(
        input_shape=(*SIZE, 3), backbone="tiny", activation="sigmoid"
    )


def _a_set_of_ones_own(folder, made):
    """Images, maps and points of the same names, and their fixations."""
    names = ["img1.jpg", "img2.jpg", "street.jpg", "indoor/7.png"]
    lines = ["image,x,y,observer,order,duration"]
    for i, name in enumerate(names):
        for kind in ("images", "densities", "points"):
            (folder / kind / name).parent.mkdir(parents=True, exist_ok=True)
        media.write(folder / "images" / name, made.image(i))
        density = np.round(255 * made.density(i, SIZE)).astype("uint8")
        points = 255 * (made.fixation_map(i, SIZE) > 0).astype("uint8")
        png = f"{name[:-4]}.png"
        cv2.imwrite(str(folder / "densities" / png), density)
        cv2.imwrite(str(folder / "points" / png), points)
        x, y = made.fixation_points(i)
        lines += [
            f"{name},{a:.1f},{b:.1f},{'ANNA' if k % 2 else 'BEN'},{k // 2},200"
            for k, (a, b) in enumerate(zip(x, y, strict=True))
        ]
    (folder / "fixations.csv").write_text("\n".join(lines) + "\n")


def _impatient(fit):
    """Two epochs of two batches of what a page trains, at most."""

    @functools.wraps(fit)
    def shortened(model, *arguments, epochs=1, **options):
        options.setdefault("verbose", 0)
        options.setdefault("steps_per_epoch", 2)
        return fit(model, *arguments, epochs=min(epochs, 2), **options)

    return shortened


def _without_downloads(folder, monkeypatch):
    """ImageNet's weights are random ones, in a file as from Keras."""

    def get_file(fname=None, origin=None, **_):
        name = "VGG16" if "vgg16" in fname else "ResNet50"
        path = folder / f"{name.lower()}.weights.h5"
        if not path.exists():
            network = getattr(keras.applications, name)
            network(weights=None, include_top=False).save_weights(path)
        return str(path)

    monkeypatch.setattr(
        sys.modules["keras.src.utils.file_utils"], "get_file", get_file
    )


def _backbone_file():
    """Write the file that commands are given as FILE."""
    keras.applications.VGG16(include_top=False)


def _names(reader, **more):
    """A data set, its parts, batches and a compiled model."""
    dataset = datasets.generate(count=10, size=SIZE, seed=0)
    train, validation = (
        datasets.SaliencySequence(
            dataset.subset(part),
            batch_size=4,
            image_size=SIZE,
            map_size=MAP_SIZE,
            shuffle=shuffle,
        )
        for part, shuffle in ((slice(0, 4), True), (slice(4, 8), False))
    )
    model = own_model()
    model.compile("adam", losses.KLDivergence())
    reader.names.update(
        keras=keras,
        models=models,
        losses=losses,
        datasets=datasets,
        evaluation=evaluation,
        dataset=dataset,
        image=dataset.image(0),
        images=[dataset.image(i) for i in range(3)],
        array=dataset.image(1),
        model=model,
        loss=losses.KLDivergence(),
        train=train,
        validation=validation,
    )
    reader.names.update(more)


def _for_losses(reader, monkeypatch):
    _names(reader, **{name: getattr(losses, name) for name in losses.__all__})


def _for_metrics(reader, monkeypatch):
    _names(reader)
    dataset = reader.names["dataset"]
    maps = np.stack([dataset.density(i, SIZE) for i in range(len(dataset))])
    counts = [dataset.fixation_map(i, SIZE) for i in range(len(dataset))]
    reader.names.update(
        maps=maps,
        densities=maps,
        fixations=np.stack(counts),
        other=evaluation.evaluate(maps**2, dataset, verbose=0),
    )
    _maps_of(dataset, reader.folder)


def _maps_of(dataset, folder):
    for i, name in enumerate(dataset.names):
        map_ = np.round(255 * dataset.density(i, SIZE)).astype("uint8")
        cv2.imwrite(str(folder / f"maps/{name}.png"), map_)


def _for_models(reader, monkeypatch):
    _names(reader)
    small = functools.partial(
        models.SAMVGG,
        (48, 64, 3),
        filters=(2, 3, 4, 5, 6),
        depth=3,
        steps=2,
        gaussians=2,
    )
    weights = reader.folder / "sam-vgg_salicon_weights.pkl"
    keras1_files.write_sam(small(backbone_weights=None), weights)

    def sam_vgg(backbone_weights=None):
        return small(backbone_weights=None)

    monkeypatch.setattr(models, "SAMVGG", sam_vgg)
    import keras_hub as hub

    from_hub = models.hub_backbone

    def hub_backbone(network, **options):
        if isinstance(network, str):
            network = hub.models.ResNetBackbone(
                input_conv_filters=[64],
                input_conv_kernel_sizes=[3],
                stackwise_num_filters=[64, 8, 8, 8],
                stackwise_num_blocks=[1, 1, 1, 1],
                stackwise_num_strides=[1, 2, 2, 2],
                block_type="basic_block",
            )
            options["converter"] = hub.layers.ImageConverter(scale=1 / 255)
        return from_hub(network, **options)

    monkeypatch.setattr(models, "hub_backbone", hub_backbone)


def _for_predict(reader, monkeypatch):
    _names(reader)
    models.export(reader.names["model"], reader.folder / "mine.onnx")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "1")
    monkeypatch.setattr(
        cv2, "VideoCapture", _camera(cv2.VideoCapture, reader.names["images"])
    )
    # The other jobs of the array.
    for job in range(2, 9):
        words = ["evaluate", "MODEL.keras", "--data", "PATH", "-o", "scores/"]
        assert cli.main([*words, "--shard", f"{job}/8"]) == 0
    publisher_layouts.mit1003(reader.folder / "DOWNLOADED")


def _camera(files_alone, frames):
    """Cameras and streams that send twenty frames and end."""

    class Camera:
        def __init__(self):
            self._frames = itertools.islice(itertools.cycle(frames), 20)

        def isOpened(self):
            return True

        def get(self, what):
            height, width = frames[0].shape[:2]
            return {
                cv2.CAP_PROP_FRAME_HEIGHT: height,
                cv2.CAP_PROP_FRAME_WIDTH: width,
                cv2.CAP_PROP_FPS: 10.0,
            }.get(what, 0.0)

        def set(self, *_):
            return True

        def read(self):
            frame = next(self._frames, None)
            return frame is not None, frame

        def release(self):
            pass

    def opened(source, *arguments):
        if isinstance(source, int) or "://" in source:
            return Camera()
        return files_alone(source, *arguments)

    return opened


def _for_training(reader, monkeypatch):
    _names(reader)


def _for_export(reader, monkeypatch):
    _names(reader)
    package = documents.ROOT / "keras_saliency" / "weights"
    folder = reader.folder / "keras_saliency" / "weights"
    folder.mkdir(parents=True)
    for file in package.glob("bundled*"):
        shutil.copy(file, folder)
    (folder / "PATH").symlink_to(reader.folder / "PATH")


def _for_density(reader, monkeypatch):
    _names(reader)
    _backbone_file()
    dataset = datasets.generate(count=22, size=SIZE, seed=0)
    reader.names.update(
        dataset=dataset,
        train=dataset.subset(slice(0, 10)),
        validation=dataset.subset(slice(10, 20)),
        test=dataset.subset(slice(20, 22)),
    )
    monkeypatch.setattr(
        models,
        "Baseline",
        functools.partial(
            models.Baseline, input_shape=(*SIZE, 3), backbone="tiny"
        ),
    )


def _for_study(reader, monkeypatch):
    _names(reader)
    folder = reader.folder / "results" / "members"
    folder.mkdir(parents=True)
    for name in ("resnet50", "vgg16"):
        member = models.FastNet((32, 48, 3), filters=(4,) * 5, depth=4)
        member.name = name
        member.save(folder / f"{name}.keras")


def _for_weights(reader, monkeypatch):
    fake_hub.put(reader.folder / "hub", monkeypatch)
    _backbone_file()


def _for_datasets(reader, monkeypatch):
    if not hasattr(np, "trapz"):
        pytest.skip("needs NumPy below 2.4, for pysaliency")
    import pysaliency

    folder = reader.folder
    shutil.rmtree(folder / "maps")
    (folder / "densities").rename(folder / "maps")
    (folder / "MIT1003").unlink()
    many = datasets.generate(count=1003, size=(24, 32), seed=0)
    datasets.to_compact(many, folder / "MIT1003", progress=False)
    count = len(publisher_layouts.mit1003(folder / "data" / "mit1003"))
    monkeypatch.setattr(mit1003, "IMAGE_COUNT", count)
    (folder / "keras_saliency/datasets/splits").mkdir(parents=True)
    tracker_exports.write(folder)
    ours = datasets.load_csv(folder / "fixations.csv", folder / "images")
    toronto = datasets.to_pysaliency(ours)
    monkeypatch.setattr(pysaliency, "get_toronto", lambda location: toronto)
    _names(reader, pysaliency_model=pysaliency.UniformModel())
    # A backbone that makes maps of the size that the page has.
    inputs = keras.Input((300, 400, 3))
    level = keras.layers.AveragePooling2D(8)(inputs)
    model = models.Baseline(
        input_shape=(300, 400, 3), backbone=keras.Model(inputs, level)
    )
    model.compile("adam", losses.MeanSquaredError())
    reader.names.update(model=model, loss=losses.MeanSquaredError())
