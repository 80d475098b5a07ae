"""Pages of the reference that nobody writes by hand.

    python tools/reference_pages.py FOLDER

writes the pages of the API, one for each public module, and of the data sets,
the weights, the commands and the study's files from the package itself. The
build of the site does it first (`docs/conf.py`), into `docs/generated`, which
is in no commit.
"""

import argparse
import ast
import contextlib
import functools
import importlib
import inspect
import io
import os
import re
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "keras_saliency"
# Public modules that no other lists among its names.
APART = tuple(
    f"{PACKAGE}.{name}"
    for name in (
        "datasets.splits",
        "densities",
        "images",
        "inference",
        "models.backbones",
        "models.exports",
        "prediction",
        "steps",
    )
)


def public_names(module):
    """Return the names that a module offers, in the order of its files.

    Args:
        module: A module. Without `__all__` it offers the functions, classes
            and constants that it defines itself and that have no underscore.

    Returns:
        List of names.
    """
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return [name for name in listed if not name.startswith("__")]
    tree = ast.parse(inspect.getsource(module))
    names = []
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.append(node.name)
        elif isinstance(node, ast.Assign):
            names += [t.id for t in node.targets if isinstance(t, ast.Name)]
    return [name for name in names if not name.startswith("_")]


def public_modules():
    """Return the public modules by their dotted names, those apart last."""
    found = {}

    def add(module):
        if module.__name__ in found:
            return
        found[module.__name__] = module
        for name in public_names(module):
            value = getattr(module, name)
            if isinstance(value, ModuleType):
                add(value)

    add(importlib.import_module(PACKAGE))
    for name in APART:
        add(importlib.import_module(name))
    return dict(sorted(found.items(), key=lambda item: item[0] in APART))


def write_api(folder):
    """Write a page for each public module, and the page that lists them.

    Args:
        folder: Where to write them.

    Returns:
        Dictionary of a module's name and the list of names on its page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    documented, seen = {}, set()
    for title, module in public_modules().items():
        text, names = _api_page(title, module, seen)
        write_page(folder / f"{title}.rst", text)
        documented[title] = names
    lines = [
        "API",
        "===",
        "",
        "Every public name, from its docstring. ``import keras_saliency`` "
        "alone imports no Keras; each module is imported when it is first "
        "used.",
        "",
        ".. list-table::",
        "   :widths: 35 65",
        "",
    ]
    for title, module in public_modules().items():
        lines += [
            f"   * - :doc:`{title}`",
            f"     - {_first_sentence(module)}",
        ]
    lines += ["", ".. toctree::", "   :hidden:", ""]
    lines += [f"   {title}" for title in documented]
    write_page(folder / "index.rst", "\n".join(lines))
    return documented


def _api_page(title, module, seen):
    lines = [title, "=" * len(title), "", f".. automodule:: {title}", ""]
    groups, modules, names = {}, [], []
    for name in public_names(module):
        value = getattr(module, name)
        if isinstance(value, ModuleType):
            modules.append(name)
            continue
        if title in APART and id(value) in seen:
            continue  # has an entry where most people look for it
        seen.add(id(value))
        names.append(name)
        groups.setdefault(_home(title, module, name, value), []).append(name)
    if modules:
        lines += ["Modules: " + ", ".join(_linked(title, modules)) + ".", ""]
    lines += [f".. currentmodule:: {title}", ""]
    # Lists of names stand below what they list.
    last = [h for h, members in groups.items() if _has_data(module, members)]
    for home in [home for home in groups if home not in last] + last:
        members = groups[home]
        if len(groups) > 1:
            heading = _first_sentence(home)
            lines += [heading, "-" * len(heading), ""]
        told = [name for name in members if callable(getattr(module, name))]
        if told:
            lines += [".. autosummary::", ""]
            lines += [f"   {name}" for name in told] + [""]
        for name in members:
            lines += _entry(home, name, getattr(module, name))
    return "\n".join(lines), names


def _has_data(module, names):
    return not all(callable(getattr(module, name)) for name in names)


def _linked(title, modules):
    return [f":doc:`{name} <{title}.{name}>`" for name in modules]


def _home(title, module, name, value):
    """Return the module whose file defines a name."""
    if inspect.isclass(value) or inspect.isfunction(value):
        return sys.modules[value.__module__]
    for other in _below(title):
        if other is not module and name in _assigned(other):
            return other
    return module


def _below(title):
    found = [
        module
        for name, module in sorted(sys.modules.items())
        if name.startswith(f"{title}.") and module is not None
    ]
    return sorted(found, key=lambda module: -module.__name__.count("."))


@functools.cache
def _assigned(module):
    """Return the comments above a module's constants, by name."""
    try:
        source = inspect.getsource(module)
    except (OSError, TypeError):
        return {}
    lines = source.splitlines()
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        else:
            continue
        above, comment = node.lineno - 2, []
        while above >= 0 and lines[above].startswith("#"):
            comment.insert(0, lines[above].lstrip("# "))
            above -= 1
        for target in targets:
            if isinstance(target, ast.Name):
                found[target.id] = " ".join(comment)
    return found


def _entry(home, name, value):
    if inspect.isclass(value):
        return [f".. autoclass:: {name}", "   :members:", ""]
    if callable(value):
        return [f".. autofunction:: {name}", ""]
    lines = [f".. py:data:: {name}", ""]
    comment = _assigned(home).get(name, "")
    if comment:
        lines += [f"   {comment}", ""]
    if isinstance(value, dict):
        keys = ", ".join(f"``{key!r}``" for key in value)
        lines += [f"   A dictionary with the keys {keys}.", ""]
    elif isinstance(value, (str, int, float)):
        lines += [f"   ``{value!r}``", ""]
    elif isinstance(value, (tuple, list)):
        items = (getattr(item, "name", item) for item in value)
        listed = ", ".join(f"``{item!r}``" for item in items)
        lines += [f"   A {type(value).__name__} of {listed}.", ""]
    return lines


def _first_sentence(module):
    text = " ".join(
        (module.__doc__ or module.__name__).split("\n\n")[0].split()
    )
    return text.rstrip(".:")


def write_datasets(path):
    """Write the table of data sets from the loaders' own records."""
    from keras_saliency import datasets

    lines = [
        "# Data sets by name",
        "",
        "What `datasets.load(NAME)` knows, from `datasets.SOURCES`: how many "
        "images a complete copy has, the publisher's archives, and the files "
        "or folders that show that a folder is a copy. Layouts, licenses and "
        "what is done to each set are told under [data sets](../datasets.md).",
        "",
    ]
    for name, source in datasets.SOURCES.items():
        load = source.load
        lines += [f"## {name}", "", _first_line(load), ""]
        lines += ["| | |", "|---|---|", f"| images | {source.images:,} |"]
        lines += [f"| loader | `datasets.{load.__name__}` |"]
        for archive in source.archives:
            checked = f"MD5 `{archive.md5}`" if archive.md5 else "no checksum"
            address = archive.url.split("?")[0]
            lines += [f"| archive | [{archive.name}]({address}), {checked} |"]
        shown = ", ".join(f"`{entry}`" for entry in source.layout)
        lines += [f"| known by | {shown} |", ""]
    lines += ["## Splits", "", "Of `datasets.SPLITS`:", ""]
    lines += [f"- `{name}`" for name in datasets.SPLITS]
    write_page(path, "\n".join(lines) + "\n")


def write_weights(folder):
    """Write the table of published weights and a page for each card."""
    from keras_saliency import weights
    from keras_saliency.evaluation import METRICS

    folder.mkdir(parents=True, exist_ok=True)
    entries = weights.entries()
    metrics = [
        key for key in METRICS if any(key in entry.metrics for entry in entries)
    ]
    lines = [
        "# Published weights",
        "",
        "From the manifest in the package, `weights.entries()`. How files are "
        "found, and how to publish, is told under "
        "[trained weights](../../weights.md).",
        "",
        "| name | MB | "
        + " | ".join(METRICS[key].title for key in metrics)
        + " |",
        "|---|---" + "|---" * len(metrics) + "|",
    ]
    for entry in entries:
        means = (
            f"{entry.metrics[key][0]:.4f}" if key in entry.metrics else ""
            for key in metrics
        )
        lines.append(
            f"| [{entry.name}]({entry.name}.md) | {entry.bytes / 1e6:.1f} | "
            + " | ".join(means)
            + " |"
        )
    lines += ["", "Measured on:", ""]
    for entry in entries:
        lines.append(f"- `{entry.name}`: {entry.test_data}.")
    lines += ["", "```{toctree}", ":hidden:", ""]
    lines += [entry.name for entry in entries] + ["```", ""]
    write_page(folder / "index.md", "\n".join(lines))
    for entry in entries:
        card = (ROOT / "weights" / f"{entry.name}.md").read_text("utf-8")
        write_page(folder / f"{entry.name}.md", _without_header(card))


def _without_header(card):
    """Return a card without the lines for hubs."""
    return card.split("\n---\n", 1)[1] if card.startswith("---\n") else card


def write_commands(path):
    """Write what `keras-saliency --help` says, of each command."""
    from keras_saliency import cli

    lines = [
        "# The command",
        "",
        "What `keras-saliency --help` says, and each of its commands.",
        "",
    ]
    os.environ["COLUMNS"] = "79"
    waiting = [[]]
    while waiting:
        words = waiting.pop(0)
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
            cli.main([*words, "--help"])
        text = said.getvalue()
        title = " ".join(["keras-saliency", *words])
        lines += [f"## {title}", "", "```text", text.rstrip(), "```", ""]
        waiting += [[*words, name] for name in _commands(text)]
    write_page(path, "\n".join(lines))


def _commands(text):
    """Return the names of the commands in a help text, or none."""
    head, _, rest = text.partition("COMMAND\n")
    found = []
    for line in rest.splitlines():
        if line.startswith("    ") and line[4:5].strip():
            found.append(line.split()[0])
        elif line.strip() and not line.startswith("    "):
            break
    return found


def write_study(path):
    """Write the list of the study's files."""
    names = {
        ".md": "tables to read",
        ".json": "the same for programs",
        ".csv": "the same for spreadsheets",
        ".npz": "values of each image, for `experiments.read_scores`",
    }
    files = sorted((ROOT / "docs" / "study").iterdir())
    listed = "\n".join(f"../study/{f.stem}" for f in files if f.suffix == ".md")
    lines = [
        "# Files of the study",
        "",
        "What the commands of [the study](../study.md) wrote.",
        "",
        "| file | kB | what |",
        "|---|---|---|",
    ]
    for file in files:
        if file.suffix not in names:
            continue
        lines.append(
            f"| [{file.name}](../study/{file.name}) | "
            f"{file.stat().st_size / 1000:.0f} | {names[file.suffix]} |"
        )
    lines += ["", "```{toctree}", ":hidden:", "", listed, "```", ""]
    write_page(path, "\n".join(lines))


def titled(name):
    """Return a title for a file of the study, `table3_osie_all_images`."""
    words = Path(name).stem.replace("_", " ")
    for short in ("osie", "mse", "kld", "cc", "nss"):
        words = re.sub(rf"\b{short}\b", short.upper(), words)
    words = re.sub(r"^table(\d)", r"table \1,", words).rstrip(",")
    return words[:1].upper() + words[1:]


def _first_line(function):
    return (inspect.getdoc(function) or "").split("\n\n")[0].replace("\n", " ")


def write_page(path, text):
    """Write a file unless it holds the text: Sphinx then reads it anew."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")


def write(folder):
    """Write all pages.

    Args:
        folder: Folder to write them to, inside of `docs`.

    Returns:
        Dictionary of a module's name and the list of its documented names.
    """
    write_datasets(folder / "datasets.md")
    write_weights(folder / "weights")
    write_commands(folder / "commands.md")
    write_study(folder / "study_files.md")
    return write_api(folder / "api")


def main(arguments=None):
    """Write all pages to a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    write(parser.parse_args(arguments).folder)


if __name__ == "__main__":
    main()
