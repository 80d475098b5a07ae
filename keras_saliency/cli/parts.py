"""What the jobs of `evaluate --shard` write, and `--join` reads."""

import argparse
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_saliency._utils.atomic import write_text

# Imported where they are used: the parser is quick.
if TYPE_CHECKING:
    from keras_saliency import datasets, evaluation

# What a name is followed by in the files of a part.
ENDING = ".{}-of-{}"


def check(parsed: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    if parsed.shard is None and not parsed.join:
        return
    if parsed.shard is not None and (parsed.join or parsed.report is not None):
        raise ValueError(
            "--shard is for one part; --join and --report come once all parts "
            "are there."
        )
    if parsed.out is None:
        raise ValueError("--shard and --join need -o, the folder of the parts.")


def note(
    parsed: argparse.Namespace, name: str, metrics: dict[str, dict[str, Any]]
) -> None:
    """Write the options that a part was scored with beside it."""
    options = {
        "metrics": metrics,
        "size": parsed.size,
        "maps": parsed.maps,
    }
    write_text(parsed.out / f"{name}.json", json.dumps(options))


def join(
    parsed: argparse.Namespace,
    names: list[str],
    dataset: "datasets.SaliencyDataset",
) -> dict[str, "evaluation.Evaluation"]:
    """Return what the jobs with --shard found of each model.

    The options that they were given, and this command was not, are set in
    `parsed`.
    """
    from keras_saliency import evaluation

    files = {name: _parts(parsed.out, name) for name in names}
    _take_options(parsed, [path for paths in files.values() for path in paths])
    results = {}
    for name, paths in files.items():
        loaded = [evaluation.Evaluation.load(path) for path in paths]
        for each in loaded:
            each.maps = parsed.maps or "one"
        results[name] = evaluation.Evaluation.join(loaded)
        if results[name].names != tuple(dataset.names):
            raise ValueError(
                f"The parts of {name} in {parsed.out} are not of these images: "
                f"{len(results[name])} and {len(dataset)}. Give --data, --part "
                "and --images as the jobs did."
            )
    return results


def _parts(folder: Path, name: str) -> list[Path]:
    """Return the files of a model's parts, in their order."""
    pattern = re.escape(name) + r"\.(\d+)-of-(\d+)\.csv"
    found: dict[int, dict[int, Path]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        part = re.fullmatch(pattern, path.name)
        if part is not None:
            found.setdefault(int(part[2]), {})[int(part[1])] = path
    if len(found) != 1:
        counts = " and of ".join(map(str, sorted(found)))
        raise ValueError(
            f"{folder} has parts of {name} of {counts}; remove those that do "
            "not count."
            if found
            else f"{folder} has no parts of {name}, such as {name}.1-of-4.csv."
        )
    ((count, paths),) = found.items()
    missing = [str(i) for i in range(1, count + 1) if i not in paths]
    if missing:
        raise ValueError(
            f"{folder} lacks {len(missing)} of the {count} parts of {name}: "
            f"{', '.join(missing)}."
        )
    return [paths[i] for i in sorted(paths)]


def _take_options(parsed: argparse.Namespace, paths: list[Path]) -> None:
    """Set the options that all parts were scored with; refuse others.

    Parts of earlier versions have no note of them.
    """
    notes = [path.with_suffix(".json") for path in paths]
    kept = {note: _noted(note) for note in notes if note.exists()}
    for note, options in kept.items():
        first, wanted = next(iter(kept.items()))
        for option, value in options.items():
            if not _same(value, wanted[option]):
                raise ValueError(
                    f"{first.stem} and {note.stem} in {note.parent} were "
                    f"scored with --{option} {_words(wanted[option])} and "
                    f"{_words(value)}. Score all parts by the same options."
                )
            asked = getattr(parsed, option)
            if asked is None:
                setattr(parsed, option, value)
            elif not _same(asked, value):
                raise ValueError(
                    f"The parts in {note.parent} were scored with --{option} "
                    f"{_words(value)}, not {_words(asked)}. Leave the option "
                    "out, or score them anew."
                )


def _noted(note: Path) -> dict[str, Any]:
    """Return the options that stand beside a part."""
    try:
        options = json.loads(note.read_text(encoding="utf-8"))
        return {
            "metrics": [*options["metrics"]],
            "size": options["size"],
            "maps": options["maps"],
        }
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{note} is damaged ({error!r}). Remove it and score that part "
            "again."
        ) from error


def _same(one: Any, other: Any) -> bool:
    """Return whether two values of an option are equal, metrics in any order.

    The metrics are the only list of texts.
    """
    if isinstance(one, list) and any(isinstance(each, str) for each in one):
        return isinstance(other, list) and set(one) == set(other)
    return bool(one == other)


def _words(value: Any) -> str:
    """Return the value of an option as it is typed."""
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "the default" if value is None else str(value)
