"""Maps of many images on many machines, by Ray Data.

    pip install "keras_saliency[ray,tensorflow]"
    python examples/predict_ray.py FOLDER -o maps/ --workers 8
    python examples/predict_ray.py images.parquet -o maps/ --column image

Each worker holds a `Predictor`, which travels as a pickle, and reads no image
itself: Ray gives it bytes. Of a folder, local or of a cloud (`s3://...`), each
map becomes OUT/NAME.EXT.png, 8 bits as `keras-saliency predict` writes it, so
OUT must be one that all machines see. Of Parquet files, with an image's bytes
in each row (also as {"bytes": ..., "path": ...}, as Hugging Face stores them),
it becomes OUT/*.parquet: the other columns, `map` (PNG) and `error`. An image
that has no map does not end the job.

With RAY_ADDRESS set, or on a machine of a cluster, it runs on the cluster.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import ray

from keras_saliency import Predictor
from keras_saliency.images import EXTENSIONS

# Readers and writers mostly wait. If they asked for a CPU while the workers
# hold them all, nothing would ever begin.
READING = {"num_cpus": 0}


class MapMaker:
    """What each worker holds: from a batch of rows to one with maps."""

    def __init__(self, predictor, column, root, out):
        self.predictor, self.column = predictor, column
        self.root, self.out = root, out

    def __call__(self, batch):
        """Return the batch with its maps, or with the files they are in."""
        images = [
            value["bytes"] if isinstance(value, dict) else value
            for value in batch.pop(self.column)
        ]
        maps, errors = [], []
        for outcome in self.predictor.outcomes(images):
            data = b""
            if outcome.error is None:
                map_ = cv2.convertScaleAbs(outcome.map, alpha=255)
                data = cv2.imencode(".png", map_)[1].tobytes()
            maps.append(data)
            errors.append("" if data else str(outcome.error))
        if self.out is None:
            batch["map"] = np.array(maps, object)
        else:
            for path, data in zip(batch["path"], maps, strict=True):
                if data:
                    name = path.removeprefix(self.root).lstrip("/")
                    file = self.out / f"{name}.png"
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(data)
        batch["error"] = np.array(errors, object)
        return batch


def whole_path(path):
    """Return a path that is the same for workers, which have another folder."""
    return path if "://" in path else str(Path(path).absolute())


def main(arguments=None):
    """Make the maps, and say how many there are and what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("input", help="a folder, or a Parquet file or folder")
    parser.add_argument("-o", "--out", required=True)
    parser.add_argument("--model", help="default: the package's own")
    parser.add_argument("--column", help="of Parquet: that with the images")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cpus", type=float, default=1, help="of each worker")
    parser.add_argument("--gpus", type=float, default=0, help="of each worker")
    parser.add_argument("--batch-size", type=int, default=8)
    parsed = parser.parse_args(arguments)
    model = parsed.model
    if model is not None and Path(model).exists():
        model = Path(model).absolute()
    # Ray 2.60 lists Parquet files in a task that asks for a CPU all the same.
    ray.data.DataContext.get_current().use_datasource_v2 = False
    given, out = whole_path(parsed.input), whole_path(parsed.out)
    if parsed.column is None:
        rows = ray.data.read_binary_files(
            given,
            include_paths=True,
            file_extensions=[each[1:] for each in EXTENSIONS],
            ray_remote_args=READING,
        )
        root, folder = given.rpartition("://")[2], Path(out)
    else:
        rows = ray.data.read_parquet(given, ray_remote_args=READING)
        root, folder = "", None
    made = rows.map_batches(
        MapMaker,
        fn_constructor_kwargs={
            "predictor": Predictor(model, batch_size=parsed.batch_size),
            "column": parsed.column or "bytes",
            "root": root,
            "out": folder,
        },
        batch_size=parsed.batch_size,
        compute=ray.data.ActorPoolStrategy(size=parsed.workers),
        num_cpus=parsed.cpus,
        num_gpus=parsed.gpus,
    )
    if folder is None:
        made.write_parquet(out, ray_remote_args=READING)
        made = ray.data.read_parquet(
            out, columns=["error"], ray_remote_args=READING
        )
    errors = [row["error"] for row in made.iter_rows()]
    bad = [error for error in errors if error]
    print(f"{len(errors) - len(bad)} maps, {len(bad)} errors")
    for error in sorted(set(bad)):
        print(f"{bad.count(error)} times: {error}")


if __name__ == "__main__":
    main()
