"""The site builds without a warning and has every public name."""

import pkgutil
import subprocess
import sys
import types
from pathlib import Path

import pytest
import running

import keras_saliency

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def reference_pages():
    return running.load(ROOT / "tools" / "reference_pages.py")


def offered():
    """Modules that offer names, with those of their names that are none."""
    package = pkgutil.walk_packages(
        keras_saliency.__path__, f"{keras_saliency.__name__}."
    )
    found = {"keras_saliency": keras_saliency}
    for module in package:
        if "._" not in module.name and "__main__" not in module.name:
            __import__(module.name)
            found[module.name] = sys.modules[module.name]
    for name, module in found.items():
        for offer in getattr(module, "__all__", ()):
            value = getattr(module, offer)
            if not isinstance(value, types.ModuleType):
                yield name, offer, value


@pytest.mark.once
def test_every_public_name_has_an_entry(reference_pages, tmp_path):
    documented = reference_pages.write_api(tmp_path)
    entries = {
        (module, name) for module, names in documented.items() for name in names
    }
    values = {
        id(getattr(sys.modules[module], name)) for module, name in entries
    }
    missing = [
        f"{module}.{name}"
        for module, name, value in offered()
        if name != "__version__"
        and (module, name) not in entries
        # Or under the name of a module above it.
        and id(value) not in values
    ]
    assert not missing
    assert len(entries) > 200
    for module, names in documented.items():
        page = (tmp_path / f"{module}.rst").read_text(encoding="utf-8")
        for name in names:
            assert f":: {name}\n" in page, (module, name)


@pytest.mark.once
def test_pages_from_manifests(reference_pages, tmp_path):
    from keras_saliency import datasets, weights

    reference_pages.write_datasets(tmp_path / "datasets.md")
    text = (tmp_path / "datasets.md").read_text(encoding="utf-8")
    for name, source in datasets.SOURCES.items():
        assert f"## {name}\n" in text and f"| {source.images:,} |" in text
    reference_pages.write_weights(tmp_path / "weights")
    text = (tmp_path / "weights" / "index.md").read_text(encoding="utf-8")
    for entry in weights.entries():
        assert f"[{entry.name}]({entry.name}.md)" in text
        assert f"{entry.metrics['cc'][0]:.4f}" in text
    reference_pages.write_commands(tmp_path / "commands.md")
    text = (tmp_path / "commands.md").read_text(encoding="utf-8")
    for command in ("predict", "evaluate", "weights get", "datasets convert"):
        assert f"## keras-saliency {command}\n" in text


@pytest.mark.slow
@pytest.mark.once
def test_site_builds(tmp_path):
    pytest.importorskip("sphinx", reason="needs keras_saliency[docs]")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-b", "html"]
        + ["docs", str(tmp_path / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "site" / "index.html").exists()
    from sphinx.util.inventory import InventoryFile

    inventory = InventoryFile.loads(
        (tmp_path / "site" / "objects.inv").read_bytes(), uri=""
    )
    built = {name for kind in inventory.data.values() for name in kind}
    for name in ("keras_saliency.predict", "keras_saliency.losses.get"):
        assert name in built
    missing = [
        f"{module}.{name}"
        for module, name, _ in offered()
        if module.count(".") < 2
        and module.partition(".")[2] in keras_saliency.__all__
        and f"{module}.{name}" not in built
    ]
    assert not missing
