"""The rooms of the package: what stands above what, and how large files are."""

import ast
import re
from pathlib import Path

import keras_saliency

PACKAGE = Path(keras_saliency.__file__).parent

# From top to bottom. A room imports from those below it and from itself.
LAYERS = (
    "__main__",
    "cli",
    "__init__",
    "experiments",
    "prediction",
    "callbacks",
    "evaluation",
    "plot",
    "models",
    "weights",
    "features",
    "densities",
    "datasets",
    "metrics",
    "losses",
    "layers",
    "functional",
    "targets",
    "inference",
    "steps",
    "videos",
    "images",
    "_utils",
    "_version",
)
LONGEST_FILE = 400


def modules():
    """Dotted name below the package -> path, of every module."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
        if parts[-1] == "__init__" and len(parts) > 1:
            parts.pop()
        found[".".join(parts)] = path
    return found


def imports(path, known):
    """Modules of the package that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are absolute here"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] != "keras_saliency":
                continue
            # The longest prefix that is a module: names follow it.
            while len(parts) > 1 and ".".join(parts[1:]) not in known:
                parts.pop()
            yield ".".join(parts[1:]) or "__init__"


def graph():
    known = modules()
    return {
        name: sorted(set(imports(path, known)) - {name})
        for name, path in known.items()
    }


def room(module):
    return module.split(".")[0]


def test_every_room_has_its_place():
    rooms = {room(module) for module in modules()}
    assert rooms == set(LAYERS)


def test_no_import_points_upward():
    upward = [
        f"{module} -> {other}"
        for module, others in graph().items()
        for other in others
        if LAYERS.index(room(other)) < LAYERS.index(room(module))
    ]
    assert not upward


def test_no_circle_of_imports():
    edges = graph()
    # A package's __init__ collects its own modules: they do not import it back.
    done, path = set(), []

    def visit(module):
        assert module not in path, " -> ".join([*path, module])
        if module in done:
            return
        path.append(module)
        for other in edges[module]:
            visit(other)
        path.pop()
        done.add(module)

    for module in edges:
        visit(module)


def test_no_file_is_long():
    long = {
        str(path.relative_to(PACKAGE)): count
        for path in PACKAGE.rglob("*.py")
        if (count := len(path.read_text(encoding="utf-8").splitlines()))
        > LONGEST_FILE
    }
    assert not long


def test_the_table_of_rooms_is_that_above():
    # The package may be an installed one; the page is beside the tests.
    page = Path(__file__).parents[1] / "CONTRIBUTING.md"
    text = page.read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)/?` \|", text, re.M)
    hidden = ("__main__", "__init__", "_version")
    assert listed == [room for room in LAYERS if room not in hidden]
