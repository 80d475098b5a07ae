"""Damage files of every kind that the library reads, and count what happens.

    python tools/fuzz_files.py --count 500 --seconds 300 --seed 0

Small good files of each kind are made, damaged at random (cut, flipped bits,
absurd numbers, noise, parts of others) and read. Right outcomes are: an error
of the library that names the file; or the file is read, since not all damage
can be seen. Anything else is a fault: another error, one that names no file,
more than 5 seconds of the processor, more than 1 GiB. Faults are written to a
folder, and the exit status is 1.
"""

import argparse
import collections
import os
import random
import resource
import sys
import tempfile
import time
import zipfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2  # noqa: E402
import h5py  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
from scipy.io import savemat  # noqa: E402

from keras_saliency import datasets, images, models  # noqa: E402
from keras_saliency.datasets.formats import matlab  # noqa: E402
from keras_saliency.datasets.publishers import archives  # noqa: E402
from keras_saliency.models import importers  # noqa: E402

SECONDS = 5
MEBIBYTES = 1024


def main() -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=500, help="files in all")
    parser.add_argument(
        "--seconds", type=float, default=600, help="end after so long"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument(
        "--faults", type=Path, default=Path("faults"), help="folder for them"
    )
    arguments = parser.parse_args()
    kinds = arguments.kind or list(KINDS)
    counts = {kind: collections.Counter() for kind in kinds}
    slowest = dict.fromkeys(kinds, 0.0)
    end = time.monotonic() + arguments.seconds
    with tempfile.TemporaryDirectory() as folder:
        goods = {kind: make_good(kind, Path(folder) / kind) for kind in kinds}
        for k in range(arguments.count):
            if time.monotonic() > end:
                break
            kind = kinds[k % len(kinds)]
            rng = random.Random(f"{arguments.seed} {k}")
            path = Path(folder) / kind / goods[kind][0]
            data = damaged(goods[kind][1], rng)
            path.write_bytes(data)
            outcome, seconds = try_one(kind, path)
            counts[kind][outcome.split(":")[0]] += 1
            slowest[kind] = max(slowest[kind], seconds)
            if outcome.startswith("FAULT"):
                arguments.faults.mkdir(parents=True, exist_ok=True)
                name = f"{kind}-{arguments.seed}-{k}{path.suffix}"
                (arguments.faults / name).write_bytes(data)
                print(f"{name}: {outcome}", flush=True)
    return report(counts, slowest)


def report(
    counts: dict[str, collections.Counter], slowest: dict[str, float]
) -> int:
    """Print a table; return the exit status."""
    print(
        f"{'kind':12}{'files':>7}{'refused':>9}{'read':>7}{'faults':>8}  max s"
    )
    for kind, found in counts.items():
        print(
            f"{kind:12}{found.total():7}{found['refused']:9}{found['read']:7}"
            f"{found['FAULT']:8}  {slowest[kind]:.2f}"
        )
    total = sum(counts.values(), collections.Counter())
    print(
        f"{'all':12}{total.total():7}{total['refused']:9}{total['read']:7}"
        f"{total['FAULT']:8}  {max(slowest.values()):.2f}"
    )
    return 1 if total["FAULT"] else 0


def try_one(kind: str, path: Path) -> tuple[str, float]:
    """Read a file; return what happened and the processor's seconds."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    outcome = "read"
    try:
        KINDS[kind][1](path)
    except ValueError as error:
        outcome = "refused"
        if path.name not in str(error):
            outcome = f"FAULT: the error names no file: {error}"[:300]
    except Exception as error:
        outcome = f"FAULT: {type(error).__name__}: {error}"[:300]
    seconds = time.process_time() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    unit = 2**20 if sys.platform == "darwin" else 2**10
    if seconds > SECONDS:
        outcome = f"FAULT: {seconds:.1f} s"
    if memory / unit > MEBIBYTES:
        outcome = f"FAULT: {memory / unit:.0f} MiB"
    return outcome, seconds


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Return a file's bytes with damage of one kind or several."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        data = rng.choice(DAMAGES)(data or b"\0", rng)
    return data


def cut(data: bytes, rng: random.Random) -> bytes:
    """Cut the end off."""
    return data[: rng.randrange(len(data))]


def flip(data: bytes, rng: random.Random) -> bytes:
    """Flip bits."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 2, 10, 100))):
        changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def flip_header(data: bytes, rng: random.Random) -> bytes:
    """Change bytes near the start."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 3, 8))):
        changed[rng.randrange(min(400, len(data)))] = rng.randrange(256)
    return bytes(changed)


def absurd(data: bytes, rng: random.Random) -> bytes:
    """Put an absurd number somewhere."""
    at = rng.randrange(len(data))
    value = rng.choice(
        (
            b"\xff\xff\xff\x7f",
            b"\xff" * 8,
            b"\0" * 8,
            b"\0\0\0\x10",
            b"\x7f" * 4,
        )
    )
    return data[:at] + value + data[at + len(value) :]


def insert(data: bytes, rng: random.Random) -> bytes:
    """Insert noise."""
    at = rng.randrange(len(data))
    return data[:at] + rng.randbytes(rng.choice((1, 4, 64))) + data[at:]


def remove(data: bytes, rng: random.Random) -> bytes:
    """Remove some bytes."""
    at = rng.randrange(len(data))
    return data[:at] + data[at + rng.choice((1, 4, 64)) :]


def move(data: bytes, rng: random.Random) -> bytes:
    """Copy a part over another."""
    size = rng.choice((4, 16, 128))
    source, target = rng.randrange(len(data)), rng.randrange(len(data))
    block = data[source : source + size]
    return data[:target] + block + data[target + len(block) :]


def double(data: bytes, rng: random.Random) -> bytes:
    """Append the whole to its half."""
    return data[: len(data) // 2] + data


def noise(data: bytes, rng: random.Random) -> bytes:
    """Replace everything by noise."""
    return rng.randbytes(min(len(data), 5000))


DAMAGES = (cut, flip, flip, flip_header, flip_header, absurd, absurd, insert)
DAMAGES += (remove, move, move, double, noise)


def photo() -> np.ndarray:
    """Return an image."""
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), "uint8")
    return cv2.GaussianBlur(noise, (0, 0), 2)


def picture(path: Path) -> None:
    """Write an image, in the format of the name."""
    assert cv2.imwrite(str(path), photo())


def npy(path: Path) -> None:
    """Write an array."""
    np.save(path, photo()[..., 0].astype("float32"))


def compact(path: Path) -> None:
    """Write a data set in the compact form."""
    folder = path.with_name("made")
    datasets.to_compact(datasets.generate(2, (24, 32)), folder, progress=False)
    for part in folder.iterdir():
        os.replace(part, path.parent / part.name)


def mat5(path: Path) -> None:
    """Write a MATLAB file of version 5."""
    cells = np.empty((1, 3), object)
    cells[0] = [np.eye(3), "text", {"deep": np.arange(4.0)}]
    savemat(path, {"s": {"x": 1.0, "c": cells}, "I": np.eye(9, dtype="u1")})


def mat73(path: Path) -> None:
    """Write a MATLAB file of version 7.3."""
    with h5py.File(path, "w", userblock_size=512) as file:
        cells = file.create_dataset("c", (4, 1), dtype=h5py.ref_dtype)
        for k in range(4):
            part = file.create_dataset(f"#refs#/{k}", data=np.eye(k + 1))
            part.attrs["MATLAB_class"] = np.bytes_("double")
            cells[k, 0] = part.ref
        file["gaze/fixations"] = np.ones((2, 5))
        file.create_dataset(
            "I", data=np.eye(40), chunks=(10, 10), compression="gzip"
        )


def keras_file(path: Path) -> None:
    """Write a Keras model."""
    image = keras.Input((8, 8, 3))
    output = keras.layers.Conv2D(4, 3)(image)
    output = keras.layers.Conv2D(1, 1, activation="sigmoid")(output)
    keras.Model(image, output).save(path)


def network() -> keras.Model:
    """Return a network for weights of Keras 1."""
    if not _NETWORKS:
        keras.utils.set_random_seed(0)
        _NETWORKS.append(
            models.MLNet(
                (32, 40, 3),
                backbone_weights=None,
                filters=(4, 4, 8, 8, 8),
                depth=4,
            )
        )
    return _NETWORKS[0]


_NETWORKS: list[keras.Model] = []


def keras1(path: Path) -> None:
    """Write a network's weights as Keras 1 on Theano did."""
    counts: collections.Counter = collections.Counter()
    with h5py.File(path, "w") as file:
        names = []
        for layer in network().layers:
            if not layer.weights:
                continue
            convolution = isinstance(layer, keras.layers.Conv2D)
            kind = "convolution2d" if convolution else "eltwiseproduct"
            counts[kind] += 1
            name = f"{kind}_{counts[kind]}"
            names.append(name.encode())
            group = file.create_group(name)
            arrays = layer.get_weights()
            if convolution:
                arrays[0] = arrays[0].transpose(3, 2, 0, 1)
            titles = [f"{name}_{k}".encode() for k in range(len(arrays))]
            group.attrs["weight_names"] = titles
            for title, array in zip(titles, arrays, strict=True):
                group[title.decode()] = array
        file.attrs["layer_names"] = names


def zipped(path: Path) -> None:
    """Write an archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for k in range(5):
            archive.writestr(f"folder/{k}.txt", f"{k}" * 400)


def read_compact(path: Path) -> None:
    """Use a data set in the compact form."""
    dataset = datasets.load_compact(path.parent)
    for i in range(len(dataset)):
        if dataset.has_fixations and dataset.count(i):
            dataset.density(i, (20, 30))


def read_model(path: Path) -> None:
    """Make the model of a file."""
    models.get(path)
    keras.backend.clear_session()


def extract(path: Path) -> None:
    """Extract an archive."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        archives.extract(path, folder)


# The file's name, how a good one is made, and how it is read.
KINDS = {
    "jpeg": (picture, images.read_image, "a.jpg"),
    "png": (picture, images.read_image, "a.png"),
    "tiff": (picture, images.read_image, "a.tif"),
    "webp": (picture, images.read_image, "a.webp"),
    "bmp": (picture, images.read_image, "a.bmp"),
    "pnm": (picture, images.read_image, "a.ppm"),
    "gif": (picture, images.read_image, "a.gif"),
    "avif": (picture, images.read_image, "a.avif"),
    "npy": (npy, images.read_map, "a.npy"),
    "npz": (compact, read_compact, "fixations.npz"),
    "matlab5": (mat5, matlab.read_mat, "a.mat"),
    "matlab7.3": (mat73, matlab.read_mat, "a.mat"),
    "hdf5": (
        keras1,
        lambda path: importers.load_ml_net_weights(network(), path),
        "a.pkl",
    ),
    "keras": (keras_file, read_model, "a.keras"),
    "archive": (zipped, extract, "a.zip"),
}


def make_good(kind: str, folder: Path) -> tuple[str, bytes]:
    """Make a good file, see that it is read, and return name and bytes."""
    folder.mkdir(parents=True)
    make, read, name = KINDS[kind]
    path = folder / name
    make(path)
    data = path.read_bytes()
    read(path)
    return name, data


if __name__ == "__main__":
    sys.exit(main())
