"""Damaged and hostile files: each ends in an error that names the file."""

import random
import resource
import shutil
import time
import zipfile

import numpy as np
import publisher_layouts as layouts
import pytest
from scipy.io import savemat

from keras_saliency.datasets import (
    DATASETS,
    DatasetError,
    generate,
    to_compact,
    to_folders,
)
from keras_saliency.datasets.publishers import archives

SECONDS = 5
BYTES = 2**30


def make_all(root):
    """One small data set of each kind: name -> folder."""
    made = {}
    for name, make in layouts.LAYOUTS.items():
        make(root / name)
        made[name] = root / name
    layouts.salicon(root / "salicon_json", "json")
    made["salicon_json"] = root / "salicon_json"
    layouts.salicon(root / "tree", "I")
    made["tree"] = root / "tree"
    to_compact(generate(3, (24, 32)), root / "compact", progress=False)
    made["compact"] = root / "compact"
    to_folders(generate(3, (24, 32)), root / "folder", progress=False)
    made["folder"] = root / "folder"
    made["csv"] = root / "csv"
    shutil.copytree(root / "folder" / "images", root / "csv" / "images")
    write_csv(generate(3, (24, 32)), root / "csv" / "fixations.csv")
    for name in ("fiwi", "toronto"):
        folder = root / f"zip_{name}"
        folder.mkdir()
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            for path in sorted((root / name).rglob("*")):
                archive.write(path, path.relative_to(root / name))
        made[f"zip_{name}"] = folder
    return made


def write_csv(dataset, path):
    """Write the fixations as `load_csv` reads them."""
    fixations = dataset.fixations
    rows = zip(
        np.array(dataset.names)[fixations.image_index],
        fixations.x,
        fixations.y,
        fixations.subject,
        fixations.order,
        strict=True,
    )
    lines = ["image,x,y,observer,order"]
    lines += [",".join(map(str, row)) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def use(name, folder):
    """Load a data set and touch all of it."""
    if name.startswith("zip_"):
        target = folder / "target"
        try:
            archive = folder / f"{name.removeprefix('zip_')}.zip"
            archives.extract(archive, target)
            assert set(folder.iterdir()) == {archive, target}
            return
        finally:
            shutil.rmtree(target, ignore_errors=True)
    loader = DATASETS[name.removesuffix("_json")]
    if name == "tree":
        dataset = loader(folder, part="train")
    elif name == "folder":
        dataset = loader(
            folder / "images",
            densities=folder / "maps",
            fixations=folder / "fixations",
        )
    elif name == "csv":
        dataset = loader(folder / "fixations.csv", folder / "images")
    elif name == "mit1003":
        dataset = loader(folder, published=True, partial=True)
    elif name == "compact":
        dataset = loader(folder)
    else:
        dataset = loader(folder, partial=True)
    for i in range(len(dataset)):
        dataset.image(i, (20, 30))
        if not dataset.has_fixations or dataset.count(i):
            dataset.density(i, (20, 30))
        dataset.info()


def victims(folder):
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not {"output", ".svn", "all1"}
        & {part.lower() for part in path.parts}
        and path.name not in ("allFixData.mat", "readme.txt", "Thumbs.db")
        # Not read where there are the recordings.
        and "fixPts" not in path.name
    ]


def mutate(path, rng):
    """Damage a file in one of many ways; return what was done."""
    data = path.read_bytes()
    kinds = [truncated, emptied, flipped, header, absurd, noise, doubled]
    kinds += [other_type, text, removed, a_folder, inserted]
    if path.suffix == ".mat":
        kinds += [wrong_fields, wrong_shapes] * 3
    if path.suffix == ".zip":
        kinds += [hostile_zip] * 6
    if path.suffix in (".npz", ".npy"):
        kinds += [absurd_array] * 3
    if path.suffix in (".png", ".jpg", ".jpeg"):
        kinds += [absurd_image] * 2
    kind = rng.choice(kinds)
    changed = kind(path, data, rng)
    if changed is not None:
        path.write_bytes(changed)
    return kind.__name__


def truncated(path, data, rng):
    return data[: rng.randrange(1, len(data))]


def emptied(path, data, rng):
    return b""


def flipped(path, data, rng):
    data = bytearray(data)
    for _ in range(rng.choice([1, 3, 30])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def header(path, data, rng):
    data = bytearray(data)
    for _ in range(rng.choice([1, 2, 5])):
        data[rng.randrange(min(300, len(data)))] = rng.randrange(256)
    return bytes(data)


def absurd(path, data, rng):
    at = rng.randrange(len(data))
    value = rng.choice(
        [b"\xff\xff\xff\x7f", b"\xff" * 8, b"\0" * 4, b"\x7f" * 4]
    )
    return data[:at] + value + data[at + len(value) :]


def noise(path, data, rng):
    return rng.randbytes(len(data))


def doubled(path, data, rng):
    return data[: len(data) // 2] + data


def inserted(path, data, rng):
    at = rng.randrange(len(data))
    return data[:at] + rng.randbytes(rng.choice([1, 4, 100])) + data[at:]


def other_type(path, data, rng):
    return rng.choice(
        [
            b"%PDF-1.4\n" + data,
            b"<html><body>404 not found</body></html>",
            b"PK\x03\x04" + data,
            b"\x89HDF\r\n\x1a\n" + data,
            b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\x01IM" + data,
            b"\x93NUMPY\x01\0v\0" + data,
            b"GIF89a" + data,
        ]
    )


def text(path, data, rng):
    return b"[" * 100000 if rng.random() < 0.5 else b"{}"


def removed(path, data, rng):
    path.unlink()


def a_folder(path, data, rng):
    path.unlink()
    path.mkdir()


def wrong_fields(path, data, rng):
    value = rng.choice(
        [
            {"other": 1.0},
            {"fixations": "text", "white": "text", "I": "text"},
            {"gaze": {"nothing": 1.0}, "fixations": np.zeros((3, 3))},
            {"fixCell": 3.0, "fixLocs": np.zeros((2, 2, 2))},
            {"white": np.zeros((2, 2)), "gaze": 1.0},
            {path.stem[:31]: {"DATA": {"eyes": 1.0}}},
            {path.stem[:31]: {"DATA": np.zeros((0, 0))}},
        ]
    )
    savemat(path, value)


def wrong_shapes(path, data, rng):
    size = rng.choice([(1, 1), (0, 0), (96, 54), (3, 1000)])
    cells = np.empty((1, 12), object)
    for i in range(12):
        cells[0, i] = np.ones(size)
    savemat(
        path,
        {
            "fixLocs": np.ones(size),
            "I": np.ones(size),
            "white": cells,
            "fixCell": cells,
            "fixations": cells,
            path.stem[:31]: {"DATA": {"eyeData": np.ones(size)}},
        },
        do_compression=rng.random() < 0.5,
    )


def absurd_array(path, data, rng):
    claim = rng.choice(["(1000000000000,)", "(-1,)", "(99999, 99999)"])
    kind = rng.choice(["<f4", "|O", "<i8", "<U2000000"])
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {claim}, }}"
    array = b"\x93NUMPY\x01\0" + len(text).to_bytes(2, "little") + text.encode()
    array += b"x" * 50
    if path.suffix == ".npy":
        return array
    with zipfile.ZipFile(path) as old:
        fields = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in fields.items():
            if name == rng.choice(sorted(fields)):
                content = array
            if name == "x.npy":
                content = rng.choice([array, b"\0" * 2**26])
            new.writestr(name, content)


def absurd_image(path, data, rng):
    side = rng.choice([0, 1, 65500, 2**31 - 1])
    if data[:4] == b"\x89PNG":
        at = rng.choice([16, 20])
        return data[:at] + side.to_bytes(4, "big") + data[at + 4 :]
    at = data.find(b"\xff\xc0")
    if at < 0:
        return data[:30]
    return (
        data[: at + 5] + (side & 0xFFFF).to_bytes(2, "big") * 2 + data[at + 9 :]
    )


def hostile_zip(path, data, rng):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        kind = rng.randrange(6)
        if kind == 0:
            archive.writestr("../" * rng.randrange(1, 9) + "up.txt", "x")
        elif kind == 1:
            archive.writestr("/tmp/up.txt", "x")
        elif kind == 2:
            archive.writestr("bomb", b"\0" * 2 ** rng.randrange(25, 28))
        elif kind == 3:
            link = zipfile.ZipInfo("link")
            link.external_attr = 0o120777 << 16
            archive.writestr(link, "/etc")
            archive.writestr("link/passwd", "x")
        elif kind == 4:
            archive.writestr("a\\..\\..\\up.txt", "x")
        else:
            archive.writestr("x" * 5000, "x")


def run(root, count, seed=0):
    """Mutate one file at a time; return outcome -> number of cases."""
    made = make_all(root)
    for name, folder in made.items():
        use(name, folder)
    outcomes = {"error": 0, "harmless": 0}
    before = _memory()
    for case in range(count):
        rng = random.Random(1000 * seed + case)
        name = rng.choice(sorted(made))
        path = rng.choice(victims(made[name]))
        data = path.read_bytes()
        what = mutate(path, rng)
        label = f"case {case} of seed {seed}: {name}, {path.name}, {what}"
        start = time.monotonic()
        try:
            use(name, made[name])
            outcomes["harmless"] += 1
            # An image less, or other values, is a data set still.
            assert what not in ("emptied", "noise", "text"), label
        except DatasetError as error:
            outcomes["error"] += 1
            # A file that is gone is named by its image.
            stem = path.stem.removesuffix("_fixMap").removesuffix("_fixPts")
            named = path.name in str(error) or stem in str(error)
            assert named, f"{label}: {error}"
        except Exception as error:
            raise AssertionError(f"{label}: {error!r}") from error
        seconds = time.monotonic() - start
        assert seconds < SECONDS, f"{label}: {seconds:.1f} s"
        assert _memory() - before < BYTES, f"{label}: memory"
        if path.is_dir():
            path.rmdir()
        path.write_bytes(data)
    return outcomes


def _memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.fixture(autouse=True)
def small_bombs(monkeypatch):
    monkeypatch.setattr(archives, "_RATIO_FREE", 2**20)


def test_sample_of_mutations(tmp_path):
    outcomes = run(tmp_path, 60)
    assert outcomes["error"] > 40


@pytest.mark.manual
def test_a_thousand_mutations(tmp_path):
    outcomes = run(tmp_path, 1000, seed=1)
    assert outcomes["error"] > 700
