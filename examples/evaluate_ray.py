"""Score a model's maps on many machines, by Ray; the same as on one.

    pip install "keras_saliency[ray,tensorflow]"
    python examples/evaluate_ray.py MODEL --data PATH --parts 16

Each task scores one part of the images, whole batches that follow each other
(`evaluate(shard=(i, n))`), against the ground truth of all of them, and
`Evaluation.join` puts the parts together: the numbers are those of one
process. The data set is given to Ray once. PATH is read on each machine, from
a folder that all of them see.
"""

import argparse
from pathlib import Path

import ray

from keras_saliency import datasets, evaluation


@ray.remote
def scored(model, dataset, metrics, part, parts):
    """Return the scores of one part."""
    return evaluation.evaluate(
        model, dataset, metrics, shard=(part, parts), verbose=0
    )


def main(arguments=None):
    """Score, print and return the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="a name, a file, or a folder of maps")
    parser.add_argument("--data", required=True)
    parser.add_argument("--metrics", nargs="+")
    parser.add_argument("--parts", type=int, default=4)
    parser.add_argument("--cpus", type=float, default=1, help="of each part")
    parser.add_argument("--gpus", type=float, default=0, help="of each part")
    parser.add_argument("-o", "--out", help="file to write, .csv")
    parsed = parser.parse_args(arguments)
    # Workers have another folder.
    dataset = ray.put(datasets.load_path(Path(parsed.data).absolute()))
    model = parsed.model
    if Path(model).exists():
        model = Path(model).absolute()
    task = scored.options(num_cpus=parsed.cpus, num_gpus=parsed.gpus)
    parts = [
        task.remote(model, dataset, parsed.metrics, i, parsed.parts)
        for i in range(1, parsed.parts + 1)
    ]
    result = evaluation.Evaluation.join(ray.get(parts))
    print(result)
    if parsed.out:
        result.to_csv(parsed.out)
    return result


if __name__ == "__main__":
    main()
