"""What the publishing tool writes, the package loads."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import running
from media import write

from keras_saliency import Predictor, evaluation, losses, models, weights
from keras_saliency.weights import files, manifest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "publish_weights.py"
IMAGES = np.random.default_rng(0).integers(0, 256, (2, 32, 48, 3))
CARD = {
    "description": "A test.",
    "data": "Noise (Nobody 2020)",
    "split": "None",
    "recipe": "None",
    "seed": 3,
    "license": "MIT",
    "limits": "Many",
    "test_data": "noise",
}
OPTIONS = {
    "input_shape": [32, 48, 3],
    "backbone": "tiny",
    "activation": "sigmoid",
    "tuned_layers": ["conv4"],
}


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """The tool, writing into a copy of nothing."""
    module = running.load(TOOL)
    for name in ("package", "cards"):
        (tmp_path / name).mkdir()
    (tmp_path / "manifest.json").write_text("{}")
    monkeypatch.setattr(manifest, "MANIFEST", tmp_path / "manifest.json")
    monkeypatch.setattr(files, "PACKAGE", tmp_path / "package")
    monkeypatch.setattr(module, "CARDS", tmp_path / "cards")
    monkeypatch.setenv(files.FOLDER_VARIABLE, str(tmp_path / "cards"))
    return module


def publish(tool, folder, name, trained, *options, **card):
    (folder / "card.json").write_text(json.dumps(CARD | card))
    arguments = ["--model", str(trained), "--card", str(folder / "card.json")]
    tool.main([name, *arguments, *options])


def trained(model):
    """The model after a step, with an optimizer that has a state."""
    model.compile("adam", losses.MeanSquaredError(), run_eagerly=True)
    model.train_on_batch(IMAGES, np.zeros((2, *model.map_size, 1)))
    return model


def trained_baseline():
    return trained(models.Baseline(**OPTIONS))


def maps(model):
    return keras.ops.convert_to_numpy(model(IMAGES))


@pytest.mark.parametrize("kind", ["whole", "head", "weights"])
@pytest.mark.quick("head")
def test_baseline_is_published_as_its_head(tool, tmp_path, kind):
    model = trained_baseline()
    if kind == "whole":
        model.save(tmp_path / "trained.keras")
        publish(tool, tmp_path, "one", tmp_path / "trained.keras")
    elif kind == "head":
        model.head.save(tmp_path / "head.keras")
        publish(
            tool, tmp_path, "one", tmp_path / "head.keras", baseline=OPTIONS
        )
    else:
        path = tmp_path / "head.weights.h5"
        model.head.save_weights(path)
        publish(tool, tmp_path, "one", path, baseline=OPTIONS)
    loaded = models.get("one")
    np.testing.assert_array_equal(maps(loaded), maps(model))
    assert len(loaded.trainable_weights) == len(model.trainable_weights)
    # Neither the backbone nor the optimizer.
    path = tmp_path / "cards/one.keras"
    head = keras.models.load_model(path)
    assert not head.compiled
    assert head.count_params() == model.head.count_params()
    assert path.stat().st_size < 4 * head.count_params() + 100_000


@pytest.mark.further
def test_float16_halves_the_file_and_rounds_once(tool, tmp_path):
    model = trained_baseline()
    model.save(tmp_path / "trained.keras")
    publish(tool, tmp_path, "whole", tmp_path / "trained.keras")
    publish(tool, tmp_path, "half", tmp_path / "trained.keras", "--float16")
    sizes = [weights.find(name).stat().st_size for name in ("whole", "half")]
    assert sizes[1] < 0.6 * sizes[0]
    loaded = models.get("half")
    for ours, exact in zip(
        loaded.head.get_weights(), model.head.get_weights(), strict=True
    ):
        assert ours.dtype == np.float32
        np.testing.assert_array_equal(ours, exact.astype("float16"))
    np.testing.assert_allclose(
        maps(loaded),
        maps(model),
        atol=2e-3,
    )
    alone = keras.models.load_model(tmp_path / "cards/half.keras")
    assert alone.dtype_policy.name == "float32"
    model.head.get_layer("saliency").projection.bias.assign([1e6])
    model.save(tmp_path / "trained.keras")
    with pytest.raises(SystemExit, match="projection/.* does not fit"):
        publish(tool, tmp_path, "half", tmp_path / "trained.keras", "--float16")
    assert maps(models.get("half")).max() < 2


@pytest.mark.further
def test_whole_model_is_bundled(tool, tmp_path):
    model = trained(models.FastNet((32, 48, 3), filters=(4,) * 5, depth=4))
    model.save(tmp_path / "trained.keras")
    publish(tool, tmp_path, weights.BUNDLED, tmp_path / "trained.keras")
    assert weights.find("bundled") == tmp_path / "package/bundled.keras"
    loaded = models.get("bundled")
    assert isinstance(loaded, models.FastNet) and not loaded.compiled
    np.testing.assert_array_equal(maps(loaded), maps(model))
    # A whole model has no use for the weights of a backbone.
    again = models.get("bundled", backbone_weights="none.h5")
    np.testing.assert_array_equal(maps(again), maps(model))


def test_scores_go_into_manifest_and_card(tool, tmp_path):
    trained_baseline().save(tmp_path / "trained.keras")
    publish(tool, tmp_path, "one", tmp_path / "trained.keras")
    before = weights.entries()[0]
    assert before.metrics == {} and before.seed == 3
    scores = {name: np.array([0.5, 0.7]) for name in evaluation.SEVEN}
    evaluation.Evaluation(["a", "b"], scores).to_csv(tmp_path / "scores.csv")
    tool.main(["one", "--scores", str(tmp_path / "scores.csv")])
    after = weights.entries()[0]
    assert after.sha256 == before.sha256
    assert list(after.metrics) == list(evaluation.SEVEN)
    assert after.metrics["cc"] == [0.6, 0.5, 0.7]
    card = (tmp_path / "cards/one.md").read_text()
    assert "| CC | 0.6000 | 0.5000 to 0.7000 |" in card
    assert after.sha256 in card
    assert "keras-saliency evaluate one --data PATH --part test" in card
    assert "cc 0.600" in str(weights.entries())
    del scores["emd"]
    evaluation.Evaluation(["a", "b"], scores).to_csv(tmp_path / "scores.csv")
    with pytest.raises(SystemExit, match="emd"):
        tool.main(["one", "--scores", str(tmp_path / "scores.csv")])


def test_what_cannot_be_published(tool, tmp_path):
    model = trained_baseline()
    model.head.save(tmp_path / "head.keras")
    path = tmp_path / "head.keras"
    with pytest.raises(SystemExit, match="must have its arguments"):
        publish(tool, tmp_path, "one", path)
    with pytest.raises(SystemExit, match="'activation': .'sigmoid', 'relu'"):
        options = OPTIONS | {"activation": "relu"}
        publish(tool, tmp_path, "one", path, baseline=options)
    with pytest.raises(SystemExit, match=r"unknown \['rights'\]"):
        publish(tool, tmp_path, "one", path, rights="MIT")
    assert list(tmp_path.glob("cards/*")) == []
    assert weights.entries() == ()


@pytest.mark.slow
def test_best_needs_no_other_file():
    best = models.get("best", download=False)
    assert isinstance(best, models.Ensemble) and best.mirrored
    for member in best.members:
        assert isinstance(member, models.DensityNet)
        assert all(v.dtype == "float32" for v in member.weights)
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), "uint8")
    map_ = best.saliency_map(image)
    assert map_.shape == (60, 80) and map_.min() >= 0
    mirrored = best.saliency_map(image[:, ::-1])[:, ::-1]
    np.testing.assert_allclose(map_, mirrored, atol=1e-3)


@pytest.mark.parametrize("entry", weights.entries(), ids=lambda e: e.name)
def test_cards_are_what_the_tool_writes(entry):
    tool = running.load(TOOL)
    path = TOOL.parents[1] / f"weights/{entry.name}.md"
    assert path.read_text(encoding="utf-8") == tool.text(entry)


def test_cards_begin_with_what_hubs_read():
    yaml = pytest.importorskip("yaml", reason="PyYAML is no requirement")
    tool = running.load(TOOL)
    entry = next(e for e in weights.entries() if e.name == weights.BUNDLED)
    _, front, rest = tool.text(entry).split("---\n", 2)
    facts = yaml.safe_load(front)
    assert facts == tool.front_matter(entry) and rest.startswith("\n# bundled")
    assert facts["library_name"] == "keras" and facts["license"] == "mit"
    assert {"osie", "scene", "mit1003"} <= set(facts["datasets"])
    assert facts["metrics"] == list(evaluation.SEVEN)
    (model,) = facts["model-index"]
    measured = {m["type"]: m["value"] for m in model["results"][0]["metrics"]}
    assert measured == {k: v[0] for k, v in entry.metrics.items()}


def test_data_without_names_is_refused(tool, tmp_path):
    trained_baseline().save(tmp_path / "trained.keras")
    with pytest.raises(SystemExit, match="NAME .AUTHOR YEAR"):
        publish(tool, tmp_path, "one", tmp_path / "trained.keras", data="Noise")


@pytest.mark.slow
def test_exports_stand_beside_the_model(tool, tmp_path):
    for package in ("onnx", "onnxruntime", "tf2onnx"):
        pytest.importorskip(package)
    model = models.FastNet((32, 48, 3), filters=(4, 4, 6, 6, 8), depth=4)
    model.save(tmp_path / "trained.keras")
    publish(tool, tmp_path, "bundled", tmp_path / "trained.keras")
    (tmp_path / "photos").mkdir()
    image = write(tmp_path / "photos/a.png")
    tool.main(["bundled", "--exports", "--calibration", str(image.parent)])
    exports = files.entry("bundled").exports
    assert list(exports) == ["onnx", "tflite"]
    for kind, (sha256, size) in exports.items():
        path = weights.find("bundled", kind=kind, download=False)
        assert path.parent.name == "package" and path.stat().st_size == size
        assert sha256 in (tmp_path / "cards/bundled.md").read_text()
    path = weights.find("bundled", kind="onnx")
    np.testing.assert_allclose(
        Predictor(path)(image), Predictor(model)(image), atol=1e-2
    )
    with pytest.raises(ValueError, match="published as keras, onnx, tflite"):
        weights.find("bundled", kind="xml")
