"""What each system needs: parameters and processor time for an image.

    python examples/benchmarks/systems.py --out docs/study/systems.json

Every network of `models.MODELS` at its default input with random weights (they
do not change the time), every classic model, and the networks that are
published whole. Each makes the map of an image of 480x640, all that is done
before and after included. Milliseconds are those of the processor, of all cores
together: they depend little on what else runs. The fastest of several turns
counts.
"""

import datetime
import gc
import inspect
import json
import os
import platform
import time

import keras

from keras_saliency import datasets, experiments, models, weights
from keras_saliency.experiments import command_line
from keras_saliency.models.classic import CLASSIC

SIZE = (480, 640)


def main(arguments=None):
    """Measure, print and write."""
    parser = command_line.parser(__doc__)
    parser.add_argument("--out", help="JSON file to write")
    parser.add_argument("--turns", type=command_line.count, default=5)
    parser.add_argument("--names", nargs="+", help="some of them")
    arguments = parser.parse_args(arguments)
    whole = [each.name for each in weights.entries() if each.baseline is None]
    names = arguments.names or [*whole, *models.MODELS, *CLASSIC]
    image = datasets.generate(1, SIZE).image(0)
    found = {}
    for name in names:
        found[name] = measured(made(name), image, arguments.turns)
        print(name, found[name], flush=True)
        keras.backend.clear_session()
        gc.collect()
    content = {
        "command": "python examples/benchmarks/systems.py",
        "image": list(SIZE),
        "turns": arguments.turns,
        "date": f"{datetime.date.today()}",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, no GPU",
        "backend": f"Keras {keras.__version__} on {keras.config.backend()}",
        "systems": found,
    }
    if arguments.out:
        experiments.write_text(
            arguments.out, json.dumps(content, indent=1) + "\n"
        )


def made(name):
    """Return a system by its name, a network with random weights."""
    if name not in models.MODELS:
        return models.get(name)
    kind = models.MODELS[name]
    options = {}
    if "backbone_weights" in inspect.signature(kind).parameters:
        options["backbone_weights"] = None
    return kind(**options)


def measured(system, image, turns):
    """Return the parameters, the input's size and the processor's time."""
    times = []
    for _ in range(turns + 1):  # the first one makes filters and traces
        begun = time.process_time()
        system.saliency_map(image)
        times.append(time.process_time() - begun)
    shape = getattr(system, "input_shape", (None, None, None, None))
    return {
        "parameters": getattr(system, "count_params", lambda: 0)(),
        "input": list(shape[1:3]),
        "milliseconds": float(f"{1000 * min(times[1:]):.3g}"),
    }


if __name__ == "__main__":
    command_line.run(main)
