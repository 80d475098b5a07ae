"""Time of each benchmark metric per image, beside pysaliency if it is there.

pysaliency wants an older NumPy, so it runs in an interpreter of its own:

    python -m venv pysaliency-env
    pysaliency-env/bin/pip install "numpy<2.4" pysaliency==0.2.22 torch
    python examples/benchmarks/metrics.py --pysaliency pysaliency-env/bin/python

Both get the same float64 maps, one image after the other, and take turns.
pysaliency takes coordinates of fixations: finding them in their maps is part
of its time, as it is of ours, and printed beside it.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def make_maps(count, size, fixations, seed=0):
    """Return smooth random maps, as `evaluation` takes them."""
    import cv2

    rng = np.random.default_rng(seed)

    def smooth(sigma):
        maps = [
            cv2.GaussianBlur(rng.random(size), (0, 0), sigma)
            for _ in range(count)
        ]
        return np.stack([(m - m.min()) / np.ptp(m) for m in maps])

    def points(number):
        maps = np.zeros((count, size[0] * size[1]))
        for map_ in maps:
            map_[rng.choice(map_.size, number, replace=False)] = 1
        return maps.reshape(count, *size)

    return {
        "prediction": smooth(size[1] / 32),
        "density": smooth(size[1] / 27),
        "fixations": points(fixations),
        "other_fixations": points(10 * fixations),
        "baseline": smooth(size[1] / 10),
    }


def our_functions(maps):
    """Return name -> function of an image's number, for all metrics."""
    from keras_saliency.evaluation import METRICS

    def function(metric):
        names = ("prediction", *metric.needs, *metric.may_use)
        return lambda i, **options: metric.function(
            **{n: maps[n][i] for n in names}, **options
        )

    functions = {name: function(metric) for name, metric in METRICS.items()}
    # pysaliency's definition: every value is a threshold.
    shuffled = functions["auc_shuffled"]
    functions["auc_shuffled (step=None)"] = lambda i: shuffled(i, step=None)
    return functions


def pysaliency_functions(maps):
    """Return the same, of the metrics that pysaliency has."""
    from pysaliency import metrics
    from pysaliency.roc import general_roc

    predictions, densities = maps["prediction"], maps["density"]

    def fixated(i, name="fixations"):
        # The quickest way found; np.nonzero of the map takes much longer.
        where = np.flatnonzero(maps[name][i].ravel() != 0)
        return np.unravel_index(where, predictions.shape[1:])

    def auc_judd(i):
        map_, (y, x) = predictions[i], fixated(i)
        unfixated = np.ones(map_.shape, dtype=bool)
        unfixated[y, x] = False
        return general_roc(map_[y, x], map_[unfixated], judd=1)[0]

    def auc_shuffled(i):
        map_ = predictions[i]
        others = fixated(i, "other_fixations")
        return general_roc(map_[fixated(i)], map_[others], judd=0)[0]

    def information_gain(i):
        convert = metrics.convert_saliency_map_to_density
        where = fixated(i)
        p = convert(predictions[i])[where]
        b = convert(maps["baseline"][i])[where]
        return np.mean(np.log2(p) - np.log2(b))

    return {
        "cc": lambda i: metrics.CC(predictions[i], densities[i]),
        "sim": lambda i: metrics.SIM(predictions[i], densities[i]),
        "auc_judd": auc_judd,
        "nss": lambda i: metrics.NSS(predictions[i], *fixated(i)[::-1]),
        "kl": lambda i: metrics.MIT_KLDiv(predictions[i], densities[i]),
        "auc_shuffled (step=None)": auc_shuffled,
        "information_gain": information_gain,
        "(finding the fixations)": fixated,
    }


def time_all(functions, count, rounds):
    """Return name -> milliseconds, one per image and round."""
    times = {}
    for name, function in functions.items():
        function(0)
        times[name] = []
        for _ in range(rounds):
            for i in range(count):
                start = time.process_time()
                function(i)
                times[name].append(1000 * (time.process_time() - start))
    return times


def time_pysaliency(interpreter, maps, rounds):
    """Return the same, measured in another interpreter."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "maps.npz"
        np.savez(path, **maps)
        output = subprocess.run(
            [interpreter, __file__, "--maps", path, "--rounds", str(rounds)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    return json.loads(output.splitlines()[-1])


def main():
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=32, help="images")
    parser.add_argument(
        "--size", type=int, nargs=2, default=(480, 640), help="height width"
    )
    parser.add_argument("--fixations", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--pysaliency", metavar="PYTHON", help="interpreter that has it"
    )
    parser.add_argument("--maps", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()

    if options.maps is not None:
        with np.load(options.maps) as file:
            maps = dict(file)
        functions = pysaliency_functions(maps)
        count = len(maps["prediction"])
        print(json.dumps(time_all(functions, count, options.rounds)))
        return

    from keras_saliency.evaluation import SEVEN

    maps = make_maps(options.count, tuple(options.size), options.fixations)
    functions = our_functions(maps)
    ours, theirs = {}, {}
    # Turns, so that a machine's slower minutes hit both.
    for turn in range(options.rounds):
        print(f"round {turn + 1} of {options.rounds}", file=sys.stderr)
        for name, times in time_all(functions, options.count, 1).items():
            ours.setdefault(name, []).extend(times)
        if options.pysaliency:
            times_by_name = time_pysaliency(options.pysaliency, maps, 1)
            for name, times in times_by_name.items():
                theirs.setdefault(name, []).extend(times)

    print(
        f"{datetime.date.today()}, {platform.processor() or platform.machine()}"
        f" with {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"NumPy {np.__version__}; {options.count} images of "
        f"{options.size[0]}x{options.size[1]}, {options.fixations} fixations; "
        f"milliseconds per image, median of {options.rounds} rounds"
    )
    print(f"\n| metric | keras_saliency |{' pysaliency |' if theirs else ''}")
    print("|---|---|" + "---|" * bool(theirs))
    medians = {name: statistics.median(times) for name, times in ours.items()}
    for name, median in medians.items():
        line = f"| {name} | {median:.2f} |"
        if theirs:
            other = theirs.get(name)
            line += f" {statistics.median(other):.2f} |" if other else " |"
        print(line)
    if theirs:
        finding = statistics.median(theirs["(finding the fixations)"])
        print(f"| (finding the fixations) | | {finding:.2f} |")
    total = sum(medians[name] for name in SEVEN)
    print(f"| all seven | {total:.1f} |" + " |" * bool(theirs))


if __name__ == "__main__":
    main()
