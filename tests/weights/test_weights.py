"""Published files are found, verified and fetched."""

import dataclasses
import hashlib
import importlib
import json
import tomllib
import zipfile
import zlib
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_saliency import evaluation, models, weights
from keras_saliency.weights import files, manifest

ROOT = Path(__file__).resolve().parents[2]
IMAGES = np.random.default_rng(0).integers(0, 256, (1, 32, 48, 3))
OPTIONS = {"input_shape": [32, 48, 3], "backbone": "tiny"}


def maps(model):
    return keras.ops.convert_to_numpy(model(IMAGES))


@pytest.fixture(scope="module")
def model():
    return models.Baseline(**OPTIONS)


@pytest.fixture(scope="module")
def content(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("published") / "one.keras"
    model.head.save(path)
    return path.read_bytes()


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch, content):
    """A manifest with one entry, and nothing anywhere."""
    text = ("description", "data", "split", "recipe", "license", "limits")
    entry = {
        **dict.fromkeys(text, "a test"),
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "seed": 0,
        "test_data": "noise",
        "metrics": {"cc": [0.5, 0.4, 0.6]},
        "baseline": OPTIONS,
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"one": entry}))
    monkeypatch.setattr(manifest, "MANIFEST", tmp_path / "manifest.json")
    (tmp_path / "checkout/package/weights").mkdir(parents=True)
    monkeypatch.setattr(files, "PACKAGE", tmp_path / "checkout/package/weights")
    monkeypatch.setattr(files, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(files, "DATA_PACKAGE", "data_of_a_test")
    monkeypatch.setattr(files, "DISTRIBUTION", "distribution_of_a_test")
    monkeypatch.syspath_prepend(tmp_path / "site")
    for name in (files.FOLDER_VARIABLE, files.URL_VARIABLE):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def mirror(server, content, monkeypatch):
    """The file on a server that the environment names."""
    server.files["/mirror/one.keras"] = content
    monkeypatch.setenv(files.URL_VARIABLE, f"{server.url}/mirror/")
    monkeypatch.setattr(files.downloads.time, "sleep", lambda seconds: None)
    return server


def put(folder, content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "one.keras").write_bytes(content)
    return folder / "one.keras"


def test_list():
    (entry,) = weights.entries()
    assert entry.name == "one" and entry.file == "one.keras"
    assert entry.metrics["cc"] == [0.5, 0.4, 0.6]
    assert "one  a test" in str(weights.entries())
    assert "cc 0.500" in str(entry)
    manifest.MANIFEST.write_text("{}")
    assert str(weights.entries()) == "No weights are published."


def test_the_order_of_places(tmp_path, monkeypatch, content, installed_from):
    """Every place that has the file is preferred to those before it."""
    monkeypatch.setenv(files.FOLDER_VARIABLE, str(tmp_path / "variable"))
    (tmp_path / "checkout/setup.cfg").touch()
    installed_from(tmp_path / "source")
    given = tmp_path / "given"
    for folder in (
        tmp_path / "cache",
        tmp_path / "source/weights",
        tmp_path / "checkout/weights",
        tmp_path / "site/data_of_a_test",
        tmp_path / "variable",
        tmp_path / "checkout/package/weights",
        given,
    ):
        path = put(folder, content)
        # Modules that a process has not found are looked for no more.
        importlib.invalidate_caches()
        assert weights.find("one", directory=given) == path
    for folder in ("checkout/package/weights", "variable"):
        (tmp_path / folder / "one.keras").unlink()
    (tmp_path / "site/data_of_a_test/one.keras").unlink()
    (tmp_path / "checkout/setup.cfg").unlink()
    # What lies beside an installed package is nobody's weights.
    assert weights.find("one") == tmp_path / "source/weights/one.keras"


@pytest.fixture
def installed_from(tmp_path):
    """A function that says where pip got the package from."""

    def write(folder, **origin):
        info = tmp_path / "site/distribution_of_a_test-1.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text("Name: distribution_of_a_test\n")
        origin = {"url": folder.as_uri(), "dir_info": {}} | origin
        (info / "direct_url.json").write_text(json.dumps(origin))

    return write


def test_what_was_not_installed_from_a_folder(
    tmp_path, installed_from, content
):
    folder = tmp_path / "a folder"
    put(folder / "weights", content)
    installed_from(folder)
    assert weights.find("one") == folder / "weights/one.keras"
    for url in ("https://example.org/", (folder / "a.whl").as_uri()):
        installed_from(folder, url=url)
        with pytest.raises(weights.WeightsError):
            weights.find("one")


def test_another_release_is_passed_over_and_named(tmp_path, content):
    old = put(tmp_path / "site/data_of_a_test", content + b"x")
    importlib.invalidate_caches()
    with pytest.raises(weights.WeightsError) as caught:
        weights.find("one")
    assert f"{old.parent} (another file: {old} has" in str(caught.value)
    path = put(tmp_path / "cache", content)
    assert weights.find("one") == path


def test_load_assembles_the_model(model, content, tmp_path):
    put(tmp_path, content)
    loaded = models.get("one", directory=tmp_path)
    assert isinstance(loaded, models.Baseline) and not loaded.compiled
    np.testing.assert_array_equal(maps(loaded), maps(model))


def test_load_with_a_file_for_the_backbone(tmp_path, vgg16_weights):
    options = {"input_shape": [32, 48, 3], "activation": "sigmoid"}
    model = models.Baseline(**options, backbone_weights=vgg16_weights)
    model.head.save(tmp_path / "one.keras")
    publish_again(tmp_path / "one.keras", baseline=options)
    loaded = models.get(
        "one", directory=tmp_path, backbone_weights=vgg16_weights
    )
    np.testing.assert_array_equal(maps(loaded), maps(model))
    with pytest.raises(ValueError, match="missing.h5"):
        models.get("one", directory=tmp_path, backbone_weights="missing.h5")


def publish_again(path, **changes):
    (entry,) = weights.entries()
    content = path.read_bytes()
    facts = dataclasses.asdict(entry) | {
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        **changes,
    }
    facts.pop("name")
    manifest.MANIFEST.write_text(json.dumps({"one": facts}))


def test_code_in_a_whole_model_is_not_run(tmp_path):
    inputs = keras.Input((8, 8, 3))
    outputs = keras.layers.Lambda(lambda x: x[..., :1])(inputs)
    keras.Model(inputs, outputs).save(tmp_path / "one.keras")
    publish_again(tmp_path / "one.keras", baseline=None)
    with pytest.raises(ValueError, match="safe_mode|unsafe"):
        models.get("one", directory=tmp_path)


def test_file_of_another_network_is_refused(tmp_path):
    models.Baseline(**OPTIONS, head={"depth": 8}).head.save(
        tmp_path / "one.keras"
    )
    publish_again(tmp_path / "one.keras")
    with pytest.raises(ValueError):
        models.get("one", directory=tmp_path)


def test_unknown_name():
    with pytest.raises(weights.WeightsError, match="no weights 'two'.*are one"):
        weights.find("two")


def test_nowhere(tmp_path, monkeypatch, mirror):
    (entry,) = weights.entries()
    for options in ({"download": False}, {}):
        with pytest.raises(weights.WeightsError) as caught:
            models.get("one", directory=tmp_path / "given", **options)
        for part in (
            "one.keras",
            entry.sha256,
            "repository",
            "pip install CHECKOUT/weights",
            f"export {files.FOLDER_VARIABLE}=CHECKOUT/weights` (offline)",
            "keras-saliency weights get one --url ADDRESS",
            files.URL_VARIABLE,
            str(tmp_path / "given"),
            str(tmp_path / "cache"),
        ):
            assert part in str(caught.value)
        monkeypatch.delenv(files.URL_VARIABLE, raising=False)
    assert mirror.ranges == []


@pytest.mark.parametrize(
    "faults, requests",
    [
        ([], 1),
        (["cut"], 2),
        (["corrupt"], 2),
        (["cut", "corrupt", "cut"], 4),
        (["claims more"], 2),
        ([503], 2),
    ],
)
def test_downloaded_once_whatever_goes_wrong(
    mirror, tmp_path, content, faults, requests
):
    mirror.faults = list(faults)
    for _ in range(2):
        path = weights.find("one", progress=False)
        assert path == tmp_path / "cache/one.keras"
        assert path.read_bytes() == content
    assert len(mirror.ranges) == requests
    assert list(path.parent.iterdir()) == [path]


def test_download_to_a_folder_from_an_address(mirror, tmp_path, content):
    mirror.files["/one.keras"] = content
    path = weights.find(
        "one",
        directory=tmp_path / "given",
        base_url=mirror.url,
        progress=False,
    )
    assert path == tmp_path / "given/one.keras"
    assert path.read_bytes() == content


def test_download_that_fails(mirror, tmp_path):
    for faults, message in (
        ([404], "404"),
        (["corrupt"] * 9, "SHA-256"),
        (["cut"] * 9, "Call again to resume"),
        (["huge"], "claims"),
    ):
        mirror.faults = faults
        with pytest.raises(weights.WeightsError, match=message) as caught:
            weights.find("one", progress=False)
        assert f"{mirror.url}/mirror/one.keras" in str(caught.value)
        assert not (tmp_path / "cache/one.keras").exists()
    mirror.faults = []
    mirror.files["/mirror/one.keras"] += b"x"
    with pytest.raises(weights.WeightsError, match="bytes where"):
        weights.find("one", progress=False)


def test_damaged_file_in_the_cache_is_fetched_anew(mirror, tmp_path, content):
    damaged = content[:500] + bytes([content[500] ^ 1]) + content[501:]
    for wrong in (damaged, content[:-1], b""):
        path = put(tmp_path / "cache", wrong)
        assert weights.find("one", progress=False) == path
        assert path.read_bytes() == content


def test_wrong_file_of_the_user_is_named_and_kept(mirror, tmp_path, content):
    path = put(tmp_path / "given", content + b"x")
    with pytest.raises(weights.WeightsError, match="given.one.keras has"):
        weights.find("one", directory=tmp_path / "given")
    assert path.read_bytes() == content + b"x"
    assert mirror.ranges == []


def test_what_is_published_is_what_the_manifest_says(monkeypatch):
    """Of the checkout that runs the tests."""
    monkeypatch.undo()
    names = {entry.name for entry in weights.entries()}
    for name in names:
        path = weights.find(name, directory=ROOT / "weights", download=False)
        with zipfile.ZipFile(path) as file:
            assert {"config.json", "model.weights.h5"} < set(file.namelist())
        card = (ROOT / f"weights/{name}.md").read_text(encoding="utf-8")
        entry = files.entry(name)
        assert entry.sha256 in card
        assert set(entry.metrics) == set(evaluation.SEVEN)
        for mean, _, _ in entry.metrics.values():
            assert f"{mean:.4f}" in card
    stored = {path.stem for path in ROOT.glob("weights/*.keras")}
    assert stored == names - {weights.BUNDLED}


@pytest.mark.further
def test_a_wheel_of_them_is_small_enough():
    """What registries of packages take as one file; a wheel is deflated."""
    files = [*ROOT.glob("weights/*.*")]
    assert sum(len(zlib.compress(p.read_bytes())) for p in files) < 100e6


def test_the_data_package_has_every_file():
    project = tomllib.loads((ROOT / "weights/pyproject.toml").read_text())
    ((package, patterns),) = project["tool"]["setuptools"][
        "package-data"
    ].items()
    assert package == "keras_saliency_weights"
    left = {
        path.name
        for path in (ROOT / "weights").iterdir()
        if path.is_file() and not any(map(path.match, patterns))
    }
    assert left == {"__init__.py", "pyproject.toml"}


@pytest.mark.parametrize(
    "text",
    [
        '{"../../../escaped": %s}',
        '{"/tmp/escaped": %s}',
        '{"a/b": %s}',
        '{"..": %s}',
        '{"C:escaped": %s}',
        '{"": %s}',
        '{"one": {}}',
        "[]",
        "{",
    ],
)
def test_manifest_that_names_no_file(text):
    entry = json.loads(manifest.MANIFEST.read_text())["one"]
    manifest.MANIFEST.write_text(text.replace("%s", json.dumps(entry)))
    with pytest.raises(ValueError, match="list of published files"):
        weights.find("one", download=True)
