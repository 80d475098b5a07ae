"""Measuring any systems on one data set, for the tables that compare them."""

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_saliency import datasets, evaluation, images, plot
from keras_saliency._utils import checksums
from keras_saliency._utils.atomic import write_text
from keras_saliency._utils.types import Array
from keras_saliency.experiments import runs, tables

# Longer side of a panel of the figures, in pixels.
LONGEST = 320


class System(NamedTuple):
    """What is measured as a row of a table.

    Attributes:
        predict: Function from an image to its map.
        settings: What the result depends on.
        spent: What was spent on it, for the reader of the table.
    """

    predict: Callable[[Array], Array]
    settings: dict[str, Any]
    spent: dict[str, Any]


def report(
    name: str,
    rows: Iterable[str],
    system: Callable[[str], System],
    dataset: datasets.SaliencyDataset,
    *,
    part: str,
    results: Path,
    images_shown: int,
    figure: str,
) -> tables.Table:
    """Measure the rows of a table; print and write it, and its figure.

    The metrics are those of the paper's table. Systems are made one after the
    other, since large networks do not fit into the memory together.

    Args:
        name: Name of the table, "table1" to "table4".
        rows: Names of the rows.
        system: Function from a row's name to its `System`.
        dataset: The images.
        part: Name of the part of the data set that they are.
        results: Folder of results.
        images_shown: How many images the figure shows; 0 for no figure.
        figure: Name of the figure's file.
    """
    shown = np.linspace(0, len(dataset) - 1, images_shown).astype(int)
    panels = [first_panels(dataset, i) for i in shown]
    measured, spent = {}, {}
    for row in rows:
        print(row, flush=True)
        made = system(row)
        measured[row], spent[row] = measure(
            row, made, dataset, part=part, table=name, results=results
        )
        for panel, i in zip(panels, shown, strict=True):
            map_ = made.predict(dataset.image(i))
            panel.append(images.resize(map_, panel[1].shape))
        del made
        keras.backend.clear_session()
    table = tables.Table(name, {row: [r] for row, r in measured.items()})
    print(f"\n{table}\n{len(dataset)} images of the {part} part\n")
    for row, facts in spent.items():
        print(f"{row}: {json.dumps(facts)[1:-1]}")
    table.write(results)
    if panels:
        plot.maps(
            panels, ["image", "ground truth", *measured], results / figure
        )
        print(results / figure)
    return table


def measure(
    row: str,
    system: System,
    dataset: datasets.SaliencyDataset,
    *,
    part: str,
    table: str,
    results: Path,
) -> tuple[evaluation.Evaluation, dict[str, Any]]:
    """Return the metrics of a system, and what was spent on it.

    Both are kept in `RESULTS/TABLE` and read from there where they are. A
    measurement that was stopped goes on.

    Args:
        row: Name of the system.
        system: The system.
        dataset: The images.
        part: Name of the part of the data set that they are.
        table: Name of the table, which says which metrics are measured.
        results: Folder of results.

    Raises:
        SettingsError: If what is kept was made with other settings.
    """
    values = _values(row, dataset, part, table, results)
    found = _kept(values, system.settings, dataset)
    if found is not None:
        return found
    values.parent.mkdir(parents=True, exist_ok=True)
    begun = time.perf_counter()
    result = evaluation.evaluate(
        system.predict,
        dataset,
        metrics=tables.printed_metrics(table),
        resume=values.with_suffix(".jsonl"),
        verbose=0,
    )
    seconds = (time.perf_counter() - begun) / len(dataset)
    spent = {
        **system.spent,
        "milliseconds per map and metrics": round(1000 * seconds),
    }
    result.to_csv(values)
    facts = {**system.settings, "measured": checksums.of_dataset(dataset)}
    kept = {"facts": facts, "spent": spent, "means": result.means()}
    write_text(values.with_suffix(".json"), json.dumps(kept, indent=1))
    return result, spent


def check_kept(
    row: str,
    settings: dict[str, Any],
    dataset: datasets.SaliencyDataset,
    *,
    part: str,
    table: str,
    results: Path,
) -> bool:
    """Return whether `measure` would read what is kept.

    Args:
        row: As for `measure`.
        settings: What the result depends on.
        dataset: As for `measure`.
        part: As for `measure`.
        table: As for `measure`.
        results: As for `measure`.

    Raises:
        SettingsError: If what is kept was made with other settings.
    """
    values = _values(row, dataset, part, table, results)
    return _kept(values, settings, dataset) is not None


def _kept(
    values: Path, settings: dict[str, Any], dataset: datasets.SaliencyDataset
) -> tuple[evaluation.Evaluation, dict[str, Any]] | None:
    """Return what is kept of a measurement of these images, if anything.

    Raises:
        SettingsError: If it was made with other settings, or against another
            ground truth.
    """
    record = values.with_suffix(".json")
    if not record.exists():
        return None
    kept = runs.read_record(record, "facts", "spent")
    runs.check_settings(settings, kept["facts"], values)
    result = evaluation.Evaluation.load(values)
    if result.names != dataset.names:
        return None
    facts = {**settings, "measured": checksums.of_dataset(dataset)}
    runs.check_settings(facts, kept["facts"], values)
    return result, kept["spent"]


def _values(
    row: str,
    dataset: datasets.SaliencyDataset,
    part: str,
    table: str,
    results: Path,
) -> Path:
    name = f"{runs.slug(row)}_{runs.slug(dataset.name)}_{part}"
    return results / table / f"{name}.csv"


def spent_on(run: runs.Run, count: int) -> dict[str, Any]:
    """Return what a training took, for the reader of a table.

    Args:
        run: The run.
        count: Number of images that it was trained on.
    """
    settings = run.settings
    return {
        "epochs": settings.get("epochs") or settings["recipe"]["epochs"],
        "images": count,
        "input": list(run.model.input_shape[1:3]),
        "precision": settings["precision"],
        "seconds": run.seconds,
    }


def first_panels(
    dataset: datasets.SaliencyDataset, i: int, longest: int = LONGEST
) -> list[Array]:
    """Return an image and its density map, which begin a figure's row.

    Args:
        dataset: The data set.
        i: Number of the image.
        longest: Longer side of the panels, in pixels.
    """
    scale = longest / max(dataset.sizes[i])
    size = tuple(round(scale * side) for side in dataset.sizes[i].tolist())
    return [dataset.image(i, size), dataset.density(i, size)]
