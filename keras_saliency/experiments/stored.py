"""Values per image of many runs in one small file."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_saliency import evaluation
from keras_saliency._utils.atomic import replacing
from keras_saliency._utils.types import PathName

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
        ValueError: If rows, metrics, images or numbers of seeds differ.
    """
    tables = list(results.values())
    rows = list(tables[0])
    metrics = list(tables[0][rows[0]][0].scores)
    arrays: dict[str, Any] = {
        "rows": np.array(rows),
        "metrics": np.array(metrics),
    }
    for name, table in results.items():
        runs = [run for row in table.values() for run in row]
        if (
            list(table) != rows
            or len({len(row) for row in table.values()}) > 1
            or any(run.names != runs[0].names for run in runs)
            or any(list(run.scores) != metrics for run in runs)
        ):
            raise ValueError(
                f"{name}: rows, metrics, images or numbers of seeds differ; "
                "a file of scores needs the same for all"
            )
        arrays[f"{name}/names"] = np.array(runs[0].names)
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
