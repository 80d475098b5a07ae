"""Publish a trained model, or add its measured metrics.

    python tools/publish_weights.py NAME --model TRAINED --card CARD.json
    keras-saliency evaluate NAME --data MIT1003 --part test -o results \
        --backbone-weights FILE
    python tools/publish_weights.py NAME --scores results/NAME.csv

    python tools/publish_weights.py NAME --exports --calibration MIT1003/stimuli

The first writes `weights/NAME.keras` without the optimizer (for the name
"bundled", `keras_saliency/weights/bundled.keras`); the second measures that
file in a fresh process; the third writes what it measured; the last writes the
published model as ONNX in float16 and as LiteRT in int8 beside its file, whose
activations take their ranges from the folder's first hundred images. They write
the manifest and the model card `weights/NAME.md`.

TRAINED is a whole model (`.keras`), or the head of a `models.Baseline`
(`.keras`, or `.weights.h5`). Of a baseline the head alone is published.
CARD.json is a dictionary of texts: description, data, split, recipe, license,
limits, test_data (what the metrics will be measured on); of the number seed;
and, where TRAINED is a head, of baseline, the arguments of `models.Baseline`,
such as {"input_shape": [300, 400, 3], "activation": "sigmoid"}. The text data
names its sets as "NAME (AUTHOR YEAR)"; license begins with the license's name
and a comma. The card begins with both, and with the metrics, as hubs of models
read them.
"""

import argparse
import dataclasses
import hashlib
import io
import json
import os
import re
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np

from keras_saliency import evaluation, models, prediction, weights
from keras_saliency.weights import files, manifest

CARDS = Path(__file__).resolve().parents[1] / "weights"
ASKED = (
    "description",
    "data",
    "split",
    "recipe",
    "seed",
    "license",
    "limits",
    "test_data",
)


EXPORTS = {
    "onnx": {"precision": "float16"},
    "tflite": {"precision": "int8"},
}


def main(arguments=None):
    """Write file, manifest and card."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name")
    parser.add_argument("--model", type=Path, metavar="TRAINED")
    parser.add_argument("--card", type=Path, metavar="CARD.json")
    parser.add_argument("--scores", type=Path, metavar="CSV")
    parser.add_argument("--exports", action="store_true")
    parser.add_argument("--calibration", type=Path, metavar="FOLDER")
    parser.add_argument(
        "--float16",
        action="store_true",
        help="store numbers in 16 bits, in half the size; the model computes "
        "in 32 all the same",
    )
    arguments = parser.parse_args(arguments)
    if (arguments.model is None) != (arguments.card is None):
        parser.error("--model and --card go together")
    if arguments.exports != (arguments.calibration is not None):
        parser.error("--exports and --calibration go together")
    if not (arguments.model or arguments.scores or arguments.exports):
        parser.error(
            "nothing to publish: give --model and --card, --scores, or "
            "--exports and --calibration"
        )
    if arguments.model is not None:
        entry = publish(
            arguments.name, arguments.model, arguments.card, arguments.float16
        )
    else:
        entry = files.entry(arguments.name)
    if arguments.scores is not None:
        entry = dataclasses.replace(entry, metrics=measured(arguments.scores))
    record(entry)
    if arguments.exports:
        entry = dataclasses.replace(
            entry, exports=exported(entry.name, arguments.calibration)
        )
        record(entry)
    card = CARDS / f"{entry.name}.md"
    card.write_text(text(entry), encoding="utf-8")
    print(f"{entry}\n\n{card}\n{path_of(entry.name)}")


def path_of(name):
    """Return where a published file is kept."""
    folder = files.PACKAGE if name == weights.BUNDLED else CARDS
    return folder / f"{name}.keras"


def publish(name, trained, card, float16):
    """Write the file and return its entry."""
    facts = json.loads(card.read_text(encoding="utf-8"))
    missing = [key for key in ASKED if key not in facts]
    unknown = set(facts) - {*ASKED, "baseline"}
    if missing or unknown:
        raise SystemExit(
            f"{card} lacks {missing} and has the unknown {sorted(unknown)}."
        )
    model, baseline = read(trained, facts.pop("baseline", None))
    path = path_of(name)
    temporary = path.with_name(f".{path.name}")
    model.save(temporary)
    content = temporary.read_bytes()
    if float16:
        content = in_float16(content)
        temporary.write_bytes(content)
    os.replace(temporary, path)
    return weights.Entry(
        name=name,
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        baseline=baseline,
        **facts,
    )


def exported(name, calibration):
    """Write a published model in other formats; return the entry's part."""
    model = models.get(name)
    photos = prediction.images_in(calibration)[:100]
    written = {}
    for kind, options in EXPORTS.items():
        path = path_of(name).with_suffix(f".{kind}")
        if options["precision"] == "int8":
            options = {**options, "calibration": photos}
        models.export(model, path, **options)
        content = path.read_bytes()
        written[kind] = [hashlib.sha256(content).hexdigest(), len(content)]
    return written


def read(path, options):
    """Return what is to be saved, and the arguments of its baseline or None."""
    if path.suffix == ".keras":
        trained = keras.models.load_model(path, compile=False)
        if isinstance(trained, models.Baseline):
            config = trained.get_config()
            for key in ("backbone_weights", "name", "trainable"):
                config.pop(key)
            return trained.head, config
        if len(trained.inputs) == 1 and trained.inputs[0].shape[-1] == 3:
            return trained, None
    if options is None:
        raise SystemExit(
            f"{path} is the head of a baseline: the card must have its "
            'arguments, as "baseline".'
        )
    head = models.Baseline(**options, backbone_weights=None).head
    head.load_weights(path)
    if path.suffix == ".keras":
        ours, theirs = (
            each.get_layer("saliency").get_config() for each in (head, trained)
        )
        different = {
            key: (theirs[key], ours[key])
            for key in ours
            if theirs[key] != ours[key] and key not in ("dtype", "trainable")
        }
        if different:
            raise SystemExit(
                f"{path} differs from the card's baseline: {different}."
            )
    return head, options


def in_float16(content):
    """Return the bytes of a `.keras` file with weights rounded to float16.

    Keras widens them where it reads them: the model stays one in float32.
    """
    result = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(result, "w") as target,
    ):
        for name in source.namelist():
            data = source.read(name)
            if name == "model.weights.h5":
                data = _narrowed(data)
            target.writestr(name, data)
    return result.getvalue()


def _narrowed(data):
    result = io.BytesIO()
    with (
        h5py.File(io.BytesIO(data), "r") as source,
        h5py.File(result, "w") as target,
    ):
        target.attrs.update(source.attrs)

        def copy(name, item):
            if isinstance(item, h5py.Group):
                made = target.create_group(name)
            else:
                values = item[()]
                if values.dtype == np.float32:
                    with np.errstate(over="ignore"):
                        values = values.astype(np.float16)
                    if not np.isfinite(values).all():
                        raise SystemExit(f"{name} does not fit into float16.")
                made = target.create_dataset(name, data=values)
            made.attrs.update(item.attrs)

        source.visititems(copy)
    return result.getvalue()


def measured(path):
    """Return means and intervals of a table by `keras-saliency evaluate`."""
    result = evaluation.Evaluation.load(path)
    missing = set(evaluation.SEVEN) - set(result.scores)
    if missing:
        raise SystemExit(f"{path} lacks {sorted(missing)}.")
    means, intervals = result.means(), result.intervals()
    return {
        name: [round(float(v), 4) for v in (means[name], *intervals[name])]
        for name in evaluation.SEVEN
    }


def record(entry):
    """Put an entry into the manifest."""
    content = json.loads(manifest.MANIFEST.read_text(encoding="utf-8"))
    facts = dataclasses.asdict(entry)
    content[facts.pop("name")] = facts
    manifest.MANIFEST.write_text(
        json.dumps(content, indent=1) + "\n", encoding="utf-8"
    )


def text(entry):
    """Return the model card."""
    network = "a whole model"
    if entry.baseline is not None:
        arguments = ", ".join(
            f"{key}={value!r}" for key, value in entry.baseline.items() if value
        )
        network = f"head of `models.Baseline({arguments})`"
    rows = {
        "file": f"`{entry.file}`, {entry.bytes:,} bytes",
        "SHA-256": f"`{entry.sha256}`",
        "holds": network,
        "trained on": entry.data,
        "split": entry.split,
        "recipe": entry.recipe,
        "seed": entry.seed,
        "license": entry.license,
        "limits": entry.limits,
    }
    for kind, (sha256, size) in entry.exports.items():
        precision = EXPORTS[kind]["precision"]
        rows[f"in {precision}"] = (
            f"`{entry.name}.{kind}`, {size:,} bytes, SHA-256 `{sha256}`"
        )
    lines = ["---", *in_yaml(front_matter(entry)), "---", ""]
    lines += [f"# {entry.name}", "", entry.description, ""]
    lines += ["| | |", "|---|---|"]
    lines += [f"| {key} | {value} |" for key, value in rows.items()]
    lines += ["", "## Metrics", "", f"On {entry.test_data}:", ""]
    lines += ["| metric | mean | 95 % interval |", "|---|---|---|"]
    lines += [
        f"| {evaluation.METRICS[name].title} | {mean:.4f} "
        f"| {low:.4f} to {high:.4f} |"
        for name, (mean, low, high) in entry.metrics.items()
    ]
    command = f"keras-saliency evaluate {entry.name} --data PATH --part test"
    if entry.baseline is not None:
        command += " \\\n    --backbone-weights FILE"
    lines += ["", "They are measured by", "", "```sh", command, "```"]
    lines += ["", "## Use", "", "```python"]
    lines += ["from keras_saliency import models", ""]
    lines += [f'model = models.get("{entry.name}")', "```", ""]
    return "\n".join(lines)


def front_matter(entry):
    """Return what hubs of models read at the top of a card."""
    sets = re.findall(r"(\w[\w-]*) \([A-Z][^()]* \d{4}\)", entry.data)
    if not sets:
        raise SystemExit(
            "data must name its sets as 'NAME (AUTHOR YEAR)'; received "
            f"{entry.data!r}."
        )
    results = [
        {
            "type": name,
            "name": evaluation.METRICS[name].title,
            "value": mean,
        }
        for name, (mean, _, _) in entry.metrics.items()
    ]
    task = {"type": "saliency-prediction", "name": "Saliency prediction"}
    measured_on = {"type": "other", "name": entry.test_data, "split": "test"}
    return {
        "library_name": "keras",
        "license": entry.license.split(",")[0].lower(),
        "tags": ["keras", "saliency", "eye-tracking", "fixation-prediction"],
        "datasets": [name.lower() for name in sets],
        "metrics": list(entry.metrics),
        "model-index": [
            {
                "name": entry.name,
                "results": [
                    {
                        "task": task,
                        "dataset": measured_on,
                        "metrics": results,
                    }
                ],
            }
        ],
    }


def in_yaml(facts, indent=""):
    """Return the lines of a dictionary in YAML."""
    lines = []
    for key, value in facts.items():
        if isinstance(value, dict):
            lines += [f"{indent}{key}:", *in_yaml(value, indent + "  ")]
        elif value and isinstance(value, list) and isinstance(value[0], dict):
            lines.append(f"{indent}{key}:")
            for item in value:
                first, *rest = in_yaml(item, indent + "  ")
                lines += [f"{indent}- {first.lstrip()}", *rest]
        else:
            lines.append(f"{indent}{key}: {json.dumps(value)}")
    return lines


if __name__ == "__main__":
    main()
