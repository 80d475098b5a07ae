"""Small data sets in the publishers' layouts, made from nothing.

Each function writes one below a folder and returns what was put in: the names
of the images, and per image the list of (observer, x, y) as they should
be read, in the units of `Fixations`.
"""

import json

import cv2
import h5py
import numpy as np
from scipy.io import savemat


def image(path, size, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, *size])
    pixels = cv2.resize(
        rng.integers(0, 255, (4, 5, 3), dtype="uint8"), size[::-1]
    )
    assert cv2.imwrite(str(path), pixels)


def gray(path, array, *parameters):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), array.astype("uint8"), parameters)


def mat(path, **variables):
    path.parent.mkdir(parents=True, exist_ok=True)
    compress = variables.pop("compress", True)
    savemat(path, variables, do_compression=compress)


def cell(values):
    array = np.empty(len(values), object)
    for i, value in enumerate(values):
        array[i] = value
    return array


def draw(size, count, seed):
    """Distinct pixels (row, column)."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(size[0] * size[1], count, replace=False)
    return np.stack(np.divmod(np.sort(chosen), size[1]), axis=1)


def binary(size, pixels):
    array = np.zeros(size, "uint8")
    array[tuple(pixels.T)] = 1
    return array


def centers(pixels):
    return [(-1, column + 0.5, row + 0.5) for row, column in pixels.tolist()]


def scanpath(targets, rate=240, ms=300, seed=0):
    """Eye samples resting at each target, with saccades of 8 samples."""
    rng = np.random.default_rng(seed)
    samples = []
    for k, target in enumerate(np.asarray(targets, float)):
        if k:
            start = np.asarray(targets[k - 1], float)
            t = np.arange(1, 9)[:, None] / 9
            samples.append(start + (target - start) * t * t * (3 - 2 * t))
        rest = np.repeat(target[None], ms * rate // 1000, axis=0)
        samples.append(rest + rng.normal(0, 0.05, rest.shape))
    return np.concatenate(samples)


LONG = "i" + "long_name_of_a_photograph_" * 3


def mit1003(root, observers=("CNG", "ajs"), maps=True):
    names = ["i1001", "i2002", LONG]
    sizes = [(96, 128), (128, 96), (96, 128)]
    expected = {}
    for i, (name, size) in enumerate(zip(names, sizes, strict=True)):
        image(root / f"ALLSTIMULI/{name}.jpeg", size, i)
        expected[name] = []
        counts = np.zeros(size, "uint8")
        for k, observer in enumerate(observers):
            targets = [(48, 48), (80 - 9 * k, 20 + 5 * i), (10, 70 + k)]
            variable = name[:63]
            mat(
                root / f"DATA/{observer}/{name}.mat",
                **{
                    variable: {
                        "imgName": name,
                        "DATA": {"eyeData": scanpath(targets, seed=i)},
                    }
                },
            )
            expected[name] += [(k, float(x), float(y)) for x, y in targets]
            for x, y in targets[1:]:
                counts[y, x] = 255
        if maps:
            folder = root / "ALLFIXATIONMAPS/ALLFIXATIONMAPS"
            gray(folder / f"{name}_fixPts.jpg", counts, 1, 90)
            blurred = cv2.GaussianBlur(counts.astype("float32"), (0, 0), 6)
            gray(folder / f"{name}_fixMap.jpg", 255 * blurred / blurred.max())
    for observer in observers:
        mat(root / f"DATA/{observer}/.svn/x.mat", a=1)
    (root / "DATA/readme.txt").write_text("stray")
    (root / "ALLSTIMULI/Thumbs.db").write_bytes(b"stray")
    stray = "i05june05_static_street_boston_p1010764fixPts.jpg"
    if maps:
        gray(folder / stray, np.zeros((9, 9)))
    (root / "__MACOSX/ALLSTIMULI").mkdir(parents=True)
    return expected


def cat2000(root):
    size, expected = (54, 96), {}
    for category in ("Action", "Pattern"):
        for number in (1, 2, 134):
            name = f"{category}/{number:03d}"
            base = root / "trainSet"
            image(base / f"Stimuli/{name}.jpg", size, number)
            image(
                base
                / f"Stimuli/{category}/Output/{number:03d}_SaliencyMap.jpg",
                size,
            )
            pixels = draw(size, 12, number)
            expected[name] = centers(pixels)
            mat(base / f"FIXATIONLOCS/{name}.mat", fixLocs=binary(size, pixels))
            blurred = cv2.GaussianBlur(
                binary(size, pixels).astype("float32"), (0, 0), 4
            )
            gray(
                base / f"FIXATIONMAPS/{name}.jpg",
                255 * blurred / blurred.max(),
            )
            gray(
                base / f"FIXATIONMAPS/{category}/Output/{number:03d}.jpg",
                blurred,
            )
    mat(root / "trainSet/allFixData.mat", allData=1)
    return expected


def fiwi(root):
    expected = {}
    for i, (name, width) in enumerate([("cell", 136), ("ebay_music", 137)]):
        size = (77, width)
        base = root / "webpage_dataset"
        image(base / f"stimuli/{name}.png", size, i)
        pixels = draw(size, 15, i)
        expected[name] = centers(pixels)
        gray(base / f"eyeMaps/all5/{name}.png", 255 * binary(size, pixels))
        gray(base / f"eyeMaps/all1/{name}.png", binary(size, pixels[:2]))
    return expected


def salicon(root, form="gaze", part="train"):
    size, expected = (48, 64), {}
    images, annotations = [], []
    for i in range(3):
        name = f"COCO_{part}2014_{123 + i:012d}"
        image(root / f"images/{part}/{name}.jpg", size, i)
        pixels = draw(size, 9, i)
        blurred = cv2.GaussianBlur(
            binary(size, pixels).astype("float32"), (0, 0), 3
        )
        gray(root / f"maps/{part}/{name}.png", 255 * blurred / blurred.max())
        images.append(
            {
                "id": 123 + i,
                "file_name": f"{name}.jpg",
                "height": size[0],
                "width": size[1],
            }
        )
        if form == "I":
            expected[name] = centers(pixels)
            mat(root / f"fixations/{part}/{name}.mat", I=binary(size, pixels))
            continue
        gaze = np.zeros(
            (3, 1),
            [
                ("location", object),
                ("timestamp", object),
                ("fixations", object),
            ],
        )
        expected[name] = []
        for worker in range(3):
            own = pixels[worker::3]
            expected[name] += [(worker, c, r) for r, c in own.tolist()]
            gaze[worker, 0] = (
                own[:, ::-1] + 1.0,
                np.arange(len(own))[:, None],
                (own[:, ::-1] + 1).astype("uint16"),
            )
            order = own[:, ::-1] if form == "json_xy" else own
            annotations.append(
                {
                    "image_id": 123 + i,
                    "id": len(annotations),
                    "worker_id": 7 * worker,
                    "fixations": (order + 1).tolist(),
                }
            )
        if form == "gaze":
            mat(
                root / f"fixations/{part}/{name}.mat",
                image=name,
                resolution=np.array([size]),
                gaze=gaze,
            )
    if form.startswith("json"):
        root.mkdir(parents=True, exist_ok=True)
        (root / f"fixations_{part}2014.json").write_text(
            json.dumps(
                {
                    "info": {"version": "1.0"},
                    "images": images,
                    "type": "fixations",
                    "annotations": annotations,
                }
            )
        )
    return expected


def osie(root):
    size, expected, records = (60, 80), {}, []
    for i, number in enumerate((1001, 1002, 1010)):
        image(root / f"data/stimuli/{number}.jpg", size, i)
        rng = np.random.default_rng(i)
        expected[str(number)], observers = [], []
        for k in range(3):
            x = np.round(rng.uniform(1, 79, 4 + k), 1)
            y = np.round(rng.uniform(1, 59, 4 + k), 1)
            expected[str(number)] += list(zip([k] * x.size, x, y, strict=True))
            observers.append(
                {
                    "fix_x": x,
                    "fix_y": y,
                    "fix_duration": 100.0 + np.arange(x.size),
                }
            )
        records.append(
            {"img": f"{number}.jpg", "subjects": cell(observers)[:, None]}
        )
    mat(root / "data/eye/fixations.mat", fixations=cell(records)[:, None])
    return expected


def toronto(root):
    size, expected, maps = (51, 68), {}, []
    base = root / "eyetrackingdata/fixdens"
    for number in range(1, 12):
        image(base / f"Original Image Set/{number}.jpg", size, number)
        pixels = draw(size, 20, number)
        maps.append(binary(size, pixels))
        expected[str(number)] = centers(pixels)
    mat(base / "origfixdata.mat", white=cell(maps)[None])
    return expected


def pascal_s(root):
    size, expected = (50, 40), {}
    base = root / "datasets"
    (base / "fixations").mkdir(parents=True)
    with h5py.File(
        base / "fixations/pascalFix.mat", "w", userblock_size=512
    ) as f:
        references = np.empty((1, 11), object)
        for i in range(11):
            image(base / f"imgs/pascal/{i + 1}.jpg", size, i)
            pixels = draw(size, 6, i)
            observer = np.array([1, 1, 2, 2, 2, 4])
            stored = np.stack(
                [pixels[:, 0] + 1, pixels[:, 1] + 1, observer]
            ).astype("float64")
            references[0, i] = f.create_dataset(f"#refs#/c{i}", data=stored).ref
            expected[str(i + 1)] = [
                (o - 1, c, r)
                for o, (r, c) in zip(
                    observer.tolist(), pixels.tolist(), strict=True
                )
            ]
        f.create_dataset("fixCell", data=references.astype(h5py.ref_dtype))
    return expected


LAYOUTS = {
    "mit1003": mit1003,
    "cat2000": cat2000,
    "fiwi": fiwi,
    "salicon": salicon,
    "osie": osie,
    "toronto": toronto,
    "pascal_s": pascal_s,
}
