"""Table 1 on a few generated pictures."""

import csv
import functools
import json
import sys
from pathlib import Path

import keras
import keras1_files
import numpy as np
import pytest
from running import EXAMPLES, run

from keras_saliency import datasets, evaluation, models

CLASSIC = ("Itti", "GBVS", "Center bias", "Uniform")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    made = datasets.generate(count=40, seed=1)
    made.name = "made"
    folder = tmp_path_factory.mktemp("data") / "made"
    datasets.save_compact(made, folder, progress=False)
    return str(folder)


@pytest.fixture
def table1(data, tmp_path, monkeypatch):
    """The script as a module, and a function that runs it."""
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.chdir(tmp_path)
    import table1

    def main(*arguments, results="results"):
        options = ("--data", data, "--backbone", "tiny", *arguments)
        options += ("--results", results)
        monkeypatch.setattr(sys, "argv", ["table1.py", *options])
        table1.main()
        return json.loads((tmp_path / results / "table1.json").read_text())

    table1.run = main
    return table1


def test_rows_are_kept_and_compared(table1, tmp_path, capsys):
    arguments = ("--rows", *CLASSIC, "--test-images", "6", "--images", "2")
    table = table1.run(*arguments)
    assert list(table) == list(CLASSIC)
    assert table["GBVS"]["auc_judd"]["paper"] == 0.81
    assert table["GBVS"]["cc"]["ours"] > table["Uniform"]["cc"]["ours"]
    assert table["Uniform"]["auc_judd"]["paper"] is None
    assert table["Uniform"]["auc_judd"]["ours"] == pytest.approx(0.5, abs=0.01)
    ranks = sorted(row["nss"]["ours_rank"] for row in table.values())
    assert ranks == [1, 2, 3, 4]
    assert "6 images of the test part" in capsys.readouterr().out
    results = tmp_path / "results"
    with open(results / "table1.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 4 * 5
    assert (results / "table1.png").stat().st_size > 10_000

    # The second run reads every row.
    path = results / "table1" / "gbvs_made_test.csv"
    header, first, *others = path.read_text().splitlines()
    name, _, *rest = first.split(",")
    path.write_text("\n".join([header, ",".join([name, "9", *rest]), *others]))
    again = table1.run(*arguments)
    assert again["GBVS"]["cc"]["ours"] > 1
    assert again["Itti"]["cc"]["ours"] == table["Itti"]["cc"]["ours"]

    # A row of other settings is not taken for this one.
    with pytest.raises(SystemExit, match="was made with other settings"):
        table1.run(*arguments, "--train-images", "10")


def test_our_model_is_trained_and_measured(table1, tmp_path, capsys):
    table1.run(
        *("--rows", "Our model", "--images", "0"),
        *("--epochs", "3", "Our model=1", "--train-images", "20"),
    )
    assert capsys.readouterr().out.count(" - loss: ") == 1
    facts = json.loads(
        (tmp_path / "results/table1/our_model_made_test.json").read_text()
    )
    assert facts["spent"]["epochs"] == 1
    assert facts["spent"]["images"] == 20
    assert facts["spent"]["input"] == [300, 400]
    assert facts["spent"]["seconds"] > 0
    assert set(facts["means"]) == {"cc", "sim", "auc_judd", "auc_borji", "nss"}


class _Stopped(keras.callbacks.BackupAndRestore):
    """Keeps the first epoch and ends the training like Control-C."""

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        raise KeyboardInterrupt


def test_networks_resume(table1, tmp_path, monkeypatch, capsys):
    """With a small network in the place of a row's."""
    arguments = (
        *("--rows", "ShallowNet", "--images", "1"),
        *("--epochs", "2", "--train-images", "20"),
        *("--input-size", "ShallowNet=48x64", "--batch-size", "7"),
    )
    monkeypatch.setitem(table1.NETWORKS, "ShallowNet", "fast_net")
    with monkeypatch.context() as patched:
        patched.setattr(keras.callbacks, "BackupAndRestore", _Stopped)
        with pytest.raises(KeyboardInterrupt):
            table1.run(*arguments)
    assert "Epoch 1/2" in capsys.readouterr().out
    before = table1.run(*arguments)
    printed = capsys.readouterr().out
    assert "Epoch 1/2" not in printed and "Epoch 2/2" in printed
    folder = tmp_path / "results" / "runs" / "table1_shallownet"
    kept = json.loads((folder / "run.json").read_text())
    assert kept["facts"]["input"] == "48x64"
    # The weights alone are left: maps are made again, the same.
    for path in (tmp_path / "results" / "table1").iterdir():
        path.unlink()
    again = table1.run(*arguments)
    assert "Epoch" not in capsys.readouterr().out
    assert again["ShallowNet"]["cc"]["ours"] == pytest.approx(
        before["ShallowNet"]["cc"]["ours"], abs=1e-5
    )


def test_recipe_or_the_authors_optimizer(table1, monkeypatch):
    """One recipe for every network, its authors' optimizer on demand."""
    compiled = []
    compute = models.FastNet.compile

    def spy(self, optimizer, *arguments, **options):
        compiled.append(optimizer)
        return compute(self, optimizer, *arguments, **options)

    monkeypatch.setattr(models.FastNet, "compile", spy)
    own = keras.optimizers.SGD(0.25)
    monkeypatch.setattr(models.FastNet, "recommended_optimizer", lambda _: own)
    monkeypatch.setitem(table1.NETWORKS, "ShallowNet", "fast_net")
    rates = ((), ("1e-5", "ShallowNet=0.5"), ("ShallowNet=authors",))
    for number, rate in enumerate(rates):
        table1.run(
            *("--rows", "ShallowNet", "--images", "0", "--test-images", "1"),
            *("--epochs", "2", "--train-images", "9", "--batch-size", "4"),
            *("--input-size", "32x48"),
            *(("--learning-rate", *rate) if rate else ()),
            results=f"results_{number}",
        )
    recipe, chosen, authors = compiled
    assert authors is own
    for optimizer, rate in ((recipe, 1e-4), (chosen, 0.5)):
        assert isinstance(optimizer, keras.optimizers.Adam)
        schedule = optimizer.get_config()["learning_rate"]["config"]
        assert schedule["initial_learning_rate"] == rate
        # Two epochs of three batches: it ends at zero.
        assert schedule["decay_steps"] == 6


def small_sam(name):
    """A factory of small networks, which takes the network's arguments."""
    filters = (2,) * (5 if name == "sam_vgg" else 4)
    return functools.partial(
        models.MODELS[name], filters=filters, depth=2, steps=1, gaussians=1
    )


@pytest.mark.slow
def test_networks_with_a_backbone(table1, tmp_path, monkeypatch):
    """Weights of the backbone, precision and frozen blocks get there."""
    made = []

    def factory(input_shape, backbone_weights, frozen_blocks=None):
        policy = keras.mixed_precision.dtype_policy().name
        made.append((backbone_weights, frozen_blocks, policy))
        return models.FastNet(input_shape, filters=(2,) * 5, depth=2)

    for name in ("sam_vgg", "sam_resnet"):
        monkeypatch.setitem(models.MODELS, name, factory)
    table = table1.run(
        *("--rows", "Sam-VGG", "Sam-ResNet", "--images", "0"),
        *("--epochs", "1", "--train-images", "10", "--input-size", "32x48"),
        *("--backbone", "vgg16", "--test-images", "2"),
        *("--backbone-weights", "vgg.h5", "--resnet-weights", "resnet.h5"),
        *("--precision", "Sam-VGG=mixed_bfloat16"),
        *("--frozen-blocks", "Sam-ResNet=3"),
    )
    assert made == [
        ("vgg.h5", None, "mixed_bfloat16"),
        (None, None, "float32"),
        ("resnet.h5", 3, "float32"),
        (None, 3, "float32"),
    ]
    assert table["Sam-ResNet"]["nss"]["paper"] == 2.43
    facts = json.loads(
        (tmp_path / "results/table1/sam_vgg_made_test.json").read_text()
    )
    assert facts["spent"]["precision"] == "mixed_bfloat16"


def test_padded_networks_see_pictures_as_in_training(
    table1, tmp_path, monkeypatch
):
    import networks

    model = small_sam("sam_vgg")((32, 48, 3), backbone_weights=None)
    picture = datasets.generate(count=1, size=(60, 40)).image(0)
    map_ = networks.predictor(model)(picture)
    np.testing.assert_array_equal(
        map_, model.saliency_map(picture, keep_proportions=False)
    )
    assert not np.array_equal(map_, model.saliency_map(picture))
    fast = models.FastNet((32, 48, 3), filters=(2,) * 5, depth=2)
    assert networks.predictor(fast) == fast.saliency_map


def test_weights_that_someone_released(table1, tmp_path, monkeypatch, capsys):
    """An importer's file and a `.keras` file, without any training."""
    monkeypatch.setitem(models.MODELS, "sam_vgg", small_sam("sam_vgg"))
    model = models.MODELS["sam_vgg"]((32, 48, 3), backbone_weights=None)
    keras1_files.write_sam(model, tmp_path / "sam.pkl")
    fast = models.FastNet((32, 48, 3), filters=(2,) * 5, depth=2)
    fast.save(tmp_path / "fast.keras")
    seen = {}

    def evaluate(predict, dataset, metrics, **options):
        seen[len(seen)] = predict(dataset.image(0))
        scores = {metric: [0.5] * len(dataset) for metric in metrics}
        return evaluation.Evaluation(dataset.names, scores)

    monkeypatch.setattr(evaluation, "evaluate", evaluate)
    table = table1.run(
        *("--rows", "Sam-VGG", "ML-Net", "--images", "0"),
        *("--input-size", "Sam-VGG=32x48", "--test-images", "2", "--weights"),
        *(f"Sam-VGG={tmp_path}/sam.pkl", f"ML-Net={tmp_path}/fast.keras"),
    )
    assert "Epoch" not in capsys.readouterr().out
    assert table["ML-Net"]["cc"]["paper"] is None
    picture = common_test_part(table1)[0]
    # As the authors have it, with padding.
    np.testing.assert_allclose(
        seen[0], model.saliency_map(picture), rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(
        seen[1], fast.saliency_map(picture), rtol=1e-4, atol=1e-6
    )
    facts = json.loads(
        (tmp_path / "results/table1/sam_vgg_made_test.json").read_text()
    )
    assert facts["facts"]["weights"] == "sam.pkl"


def common_test_part(table1):
    """The pictures that the script measures."""
    test = table1.common.load(Path(sys.argv[2]))["test"]
    return [test.image(i) for i in range(2)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--weights", "Our model=x.keras"), "no network 'Our model'"),
        (("--precision", "Sam=float32"), "no row 'Sam'"),
        (("--epochs", "Sam=1"), "there is no row 'Sam'"),
        (("--epochs", "Sam-VGG=many"), "'many' is no number"),
        (("--train-images", "all", "Sam-VGG=0"), "0 is not above 0"),
    ],
)
def test_refuses_what_is_none(table1, arguments, message, capsys):
    with pytest.raises(SystemExit):
        table1.run(*arguments)
    assert message in capsys.readouterr().err


def test_benchmark(tmp_path):
    printed = run(
        "benchmark_classic.py",
        tmp_path,
        *("--size", "64", "80", "--count", "1", "--rounds", "1"),
    )
    assert "| gbvs | " in printed and "| model | 64x80 |" in printed
