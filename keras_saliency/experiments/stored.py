"""Values per image of many runs in one small file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_saliency import evaluation
from keras_saliency._utils.atomic import replacing
from keras_saliency._utils.types import PathName
from keras_saliency.experiments.aligned import aligned, same_seeds

# Name of a data set -> name of a row -> one `Evaluation` per seed.
Results = Mapping[str, Mapping[str, Sequence[evaluation.Evaluation]]]


def write_scores(path: PathName, results: Results) -> None:
    """Write the values per image of all rows and seeds, as float32.

    Args:
        path: A file whose name ends in `.npz`. For each data set it holds
            `SET/names`, of the images, and `SET/values`, shape `(rows, seeds,
            images, metrics)`; beside them `rows` and `metrics`.
        results: Name of a data set -> name of a row -> one `Evaluation` per
            seed. All data sets have the same rows and metrics, and all
            `Evaluation`s of a data set the same images.

    Raises:
        ValueError: If rows, metrics, images or numbers of seeds differ, there
            is none, or the path does not end in `.npz`.
    """
    if Path(path).suffix != ".npz":
        raise ValueError(f"a file of scores must be .npz; received {path}")
    results = _checked(results)
    rows = list(next(iter(results.values())))
    metrics = list(next(iter(results.values()))[rows[0]][0].scores)
    arrays: dict[str, Any] = {
        "rows": np.array(rows),
        "metrics": np.array(metrics),
    }
    for name, table in results.items():
        arrays[f"{name}/names"] = np.array(table[rows[0]][0].names)
        arrays[f"{name}/values"] = np.array(
            [
                [[run.scores[metric] for metric in metrics] for run in row]
                for row in table.values()
            ],
            np.float32,
        ).swapaxes(2, 3)
    with replacing(path) as new:
        np.savez_compressed(new, **arrays)


def read_scores(
    path: PathName,
) -> dict[str, dict[str, list[evaluation.Evaluation]]]:
    """Read a file of `write_scores`.

    Args:
        path: The file.

    Returns:
        Dictionary of the name of a data set, of a row, and one `Evaluation`
        per seed.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, or another file; the message names it.
    """
    try:
        with open(path, "rb") as opened, np.load(opened) as file:
            content = dict(file)
        metrics = content["metrics"].tolist()
        return {
            name: {
                row: [
                    evaluation.Evaluation(
                        content[f"{name}/names"].tolist(),
                        dict(zip(metrics, values.T, strict=True)),
                    )
                    for values in seeds
                ]
                for row, seeds in zip(
                    content["rows"].tolist(),
                    content[f"{name}/values"],
                    strict=True,
                )
            }
            for name in dict.fromkeys(
                key.rpartition("/")[0] for key in content if "/" in key
            )
        }
    except OSError:
        raise
    except Exception as error:  # what is wrong may be anywhere in it
        raise ValueError(
            f"{path} is damaged, or not a file of scores ({error!r}). "
            "Make it anew."
        ) from error


def join_scores(
    files: Sequence[Results],
) -> dict[str, dict[str, list[evaluation.Evaluation]]]:
    """Put the rows of several files of scores together.

    Where rows have different numbers of seeds on a data set, the first of
    them count, as many as all have.

    Args:
        files: What `read_scores` returned of each.

    Returns:
        Dictionary of the name of a data set, of a row, and one `Evaluation`
        per seed, the rows of the first file first.

    Raises:
        ValueError: If there are no files, they do not have the same data
            sets, two have a row of the same name, or rows are of other metrics
            or images.
    """
    if not files:
        raise ValueError("there are no files of scores to join")
    joined: dict[str, dict[str, list[evaluation.Evaluation]]] = {}
    for results in files:
        if list(results) != list(files[0]):
            raise ValueError(
                "The files of scores need the same data sets in one order; "
                f"one has {', '.join(files[0])}, another {', '.join(results)}."
            )
        for name, table in results.items():
            rows = joined.setdefault(name, {})
            for row, runs in table.items():
                if row in rows:
                    raise ValueError(f"Two files of scores have a row {row}.")
                rows[row] = list(runs)
    for table in joined.values():
        count = min(map(len, table.values()))
        table.update({row: runs[:count] for row, runs in table.items()})
    return _checked(joined)


def _checked(
    results: Results,
) -> dict[str, dict[str, list[evaluation.Evaluation]]]:
    """Return results in one order of images, all rows of all sets alike.

    Raises:
        ValueError: If there are none, or rows, metrics, images or numbers of
            seeds differ.
    """
    if not results:
        raise ValueError("there are no results to write")
    found, alike = {}, None
    for name, table in results.items():
        found[name] = aligned(table, of=name)
        same_seeds(found[name], of=name)
        first = next(iter(found[name].values()))[0]
        facts = (list(table), set(first.scores))
        if facts != (alike or facts):
            raise ValueError(
                f"{name}: a file of scores needs the same rows and metrics of "
                "all data sets"
            )
        alike = facts
    return found
