"""Table 1 on a few generated images."""

import csv
import itertools
import json

import h5py
import keras1_files
import numpy as np
import pytest
import running
import stopping
from one_layer import OneLayer

from keras_saliency import datasets, evaluation, experiments, models

CLASSIC = ("Itti", "GBVS", "Center bias", "Uniform")


@pytest.fixture
def table1(example, data, tmp_path):
    """A function that runs the script and returns its table."""

    def run(*arguments):
        options = ("--data", data, "--backbone", "tiny")
        example("table1", *options, *arguments)
        return json.loads((tmp_path / "results" / "table1.json").read_text())

    return run


@pytest.mark.slow
def test_rows_are_kept_and_compared(table1, tmp_path, capsys):
    arguments = ("--rows", *CLASSIC, "--test-images", "3", "--images", "1")
    table = table1(*arguments)
    assert list(table) == list(CLASSIC)
    assert table["GBVS"]["auc_judd"]["paper"] == 0.81
    assert table["GBVS"]["cc"]["ours"] > table["Uniform"]["cc"]["ours"]
    assert table["Uniform"]["auc_judd"]["paper"] is None
    assert table["Uniform"]["auc_judd"]["ours"] == pytest.approx(0.5, abs=0.01)
    ranks = sorted(row["nss"]["ours_rank"] for row in table.values())
    assert ranks == [1, 2, 3, 4]
    assert "3 images of the test part" in capsys.readouterr().out
    results = tmp_path / "results"
    with open(results / "table1.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 4 * 5
    assert (results / "table1.png").stat().st_size > 10_000

    # The second run reads every row.
    path = results / "table1" / "gbvs_made_test.csv"
    header, first, *others = path.read_text().splitlines()
    name, _, *rest = first.split(",")
    path.write_text("\n".join([header, ",".join([name, "9", *rest]), *others]))
    again = table1(*arguments)
    assert again["GBVS"]["cc"]["ours"] > 1
    assert again["Itti"]["cc"]["ours"] == table["Itti"]["cc"]["ours"]

    # A row of other settings is not taken for this one.
    with pytest.raises(experiments.SettingsError, match="other settings"):
        table1(*arguments, "--train-images", "10")


def test_more_rows():
    script = running.script("table1")
    usual = script.parsed([]).rows
    assert "GBVS" in usual and not set(script.MORE) & set(usual)
    assert {"AIM", "BMS", "ICF"} < set(script.MORE)
    more = script.parsed(["--rows", "AIM", "Itti", "--more"]).rows
    assert more[:2] == ["AIM", "Itti"]
    assert sorted(more[1:]) == sorted(["Itti", *script.MORE[1:]])
    arguments = script.parsed(["--frozen-blocks", "EML-NET=3", "PDP=2"])
    for row, options in (
        ("DeepGaze II, VGG-16", {"backbone": "vgg16"}),
        ("EML-NET", {"frozen_stages": 3}),
        ("PDP", {"frozen_blocks": 2}),
    ):
        assert script.options_of(row, arguments) == options


@pytest.mark.slow
def test_our_model_is_trained_and_measured(table1, tmp_path, capsys):
    table1(
        *("--rows", "Our model", "--images", "0", "--test-images", "2"),
        *("--epochs", "3", "Our model=1", "--train-images", "10"),
    )
    assert capsys.readouterr().out.count(" - loss: ") == 1
    kept = json.loads(
        (tmp_path / "results/table1/our_model_made_test.json").read_text()
    )
    assert kept["facts"]["input"] == [300, 400]
    assert kept["spent"]["epochs"] == 1
    assert kept["spent"]["images"] == 10
    assert kept["spent"]["input"] == [300, 400]
    assert kept["spent"]["seconds"] > 0
    assert set(kept["means"]) == {"cc", "sim", "auc_judd", "auc_borji", "nss"}


@pytest.mark.slow
def test_networks_resume(table1, tmp_path, monkeypatch, capsys):
    """With a small network in the place of a row's."""
    monkeypatch.setitem(models.MODELS, "shallow_net", OneLayer)
    arguments = (
        *("--rows", "ShallowNet", "--images", "1", "--test-images", "2"),
        *("--epochs", "2", "--train-images", "10"),
        *("--input-size", "ShallowNet=48x64", "--batch-size", "7"),
    )
    with stopping.after_one_epoch():
        table1(*arguments)
    assert "Epoch 1/2" in capsys.readouterr().out
    before = table1(*arguments)
    printed = capsys.readouterr().out
    assert "Epoch 1/2" not in printed and "Epoch 2/2" in printed
    folder = tmp_path / "results" / "runs" / "table1_shallownet"
    kept = json.loads((folder / "run.json").read_text())
    assert kept["facts"]["input"] == "48x64"
    assert kept["facts"]["learning_rate"] == 1e-4
    # The weights alone are left: maps are made again, the same.
    for path in (tmp_path / "results" / "table1").iterdir():
        path.unlink()
    again = table1(*arguments)
    assert "Epoch" not in capsys.readouterr().out
    assert again["ShallowNet"]["cc"]["ours"] == pytest.approx(
        before["ShallowNet"]["cc"]["ours"], abs=1e-5
    )


@pytest.mark.further
def test_options_of_a_row(table1, tmp_path, monkeypatch):
    """What is said of a row gets to its network."""
    trained = {}

    class Run:
        model = OneLayer()
        settings = {"epochs": 1, "precision": "float32"}
        seconds = 1.0

    def train_network(name, folder, settings, train, **options):
        trained[name] = (settings, options)
        return Run

    monkeypatch.setattr(experiments, "train_network", train_network)
    monkeypatch.setattr(experiments, "make", lambda *_, **__: OneLayer())
    for file in ("vgg.h5", "resnet.h5"):
        h5py.File(tmp_path / file, "w").close()
    table = table1(
        *("--rows", "Sam-VGG", "Sam-ResNet", "--images", "0"),
        *("--epochs", "1", "--train-images", "10", "--input-size", "32x48"),
        *("--backbone", "vgg16", "--test-images", "2"),
        *("--backbone-weights", "vgg.h5", "--resnet-weights", "resnet.h5"),
        *("--precision", "Sam-VGG=mixed_bfloat16"),
        *("--frozen-blocks", "Sam-ResNet=3"),
        *("--learning-rate", "1e-5", "Sam-VGG=authors"),
    )
    assert table["Sam-ResNet"]["nss"]["paper"] == 2.43
    settings, options = trained["sam_vgg"]
    assert options == {
        "backbone_weights": "vgg.h5",
        "input_shape": (32, 48, 3),
        "start": None,
    }
    assert settings == {
        "backbone weights": experiments.checksum(tmp_path / "vgg.h5"),
        "model": "sam_vgg",
        "data": "made",
        "images": 10,
        "epochs": 1,
        "batch_size": 10,
        "learning_rate": "authors",
        "input": "32x48",
        "precision": "mixed_bfloat16",
        "frozen_blocks": "own",
        "seed": 0,
    }
    settings, options = trained["sam_resnet"]
    assert options["backbone_weights"] == "resnet.h5"
    assert options["frozen_blocks"] == settings["frozen_blocks"] == 3
    assert settings["precision"] == "float32"
    assert settings["learning_rate"] == 1e-5


@pytest.mark.further
def test_networks_learn_from_other_sets_first(
    table1, tmp_path, monkeypatch, capsys
):
    """One after the other, each training from the weights of the last."""
    monkeypatch.setitem(models.MODELS, "shallow_net", OneLayer)
    for seed in (1, 2):
        made = datasets.generate(count=4, size=(48, 64), seed=seed)
        datasets.to_compact(made, tmp_path / f"set{seed}", progress=False)
    arguments = (
        *("--rows", "ShallowNet", "--images", "0", "--test-images", "2"),
        *("--train-images", "5", "--input-size", "48x64"),
        *("--epochs", "1", "--first-epochs", "3", "ShallowNet=2"),
        *("--first", f"One={tmp_path / 'set1'}", f"Two={tmp_path / 'set2'}"),
    )
    table1(*arguments)
    printed = capsys.readouterr().out
    assert "2 trainings of 2 epochs on 4 images" in printed
    runs = tmp_path / "results" / "runs"
    kept = {
        name: json.loads((runs / name / "run.json").read_text())
        for name in (
            "table1_shallownet_first_one",
            "table1_shallownet_first_two",
            "table1_shallownet",
        )
    }
    seen = [record["facts"].get("first", []) for record in kept.values()]
    assert seen == [[], [["One", 4, 2]], [["One", 4, 2], ["Two", 4, 2]]]
    weights = [
        h5py.File(runs / name / "model.weights.h5")["layers/conv2d/vars/0"][()]
        for name in kept
    ]
    # Nothing is trained but by small steps from where the last one ended.
    steps = [np.abs(b - a).max() for a, b in itertools.pairwise(weights)]
    assert all(0 < step < 0.01 for step in steps)
    spent = json.loads(
        (tmp_path / "results/table1/shallownet_made_test.json").read_text()
    )["spent"]
    assert spent["first"] == [["One", 4, 2], ["Two", 4, 2]]
    assert spent["seconds"] == pytest.approx(
        sum(record["seconds"] for record in kept.values()), abs=0.2
    )
    capsys.readouterr()
    table1(*arguments)
    assert "Epoch" not in capsys.readouterr().out
    with pytest.raises(datasets.DatasetError, match="--first names made"):
        table1(*arguments, "--first", f"made={tmp_path / 'set1'}")


@pytest.mark.slow
def test_weights_that_someone_released(table1, tmp_path, monkeypatch, capsys):
    """An importer's file and a `.keras` file, without any training."""
    small = models.SAMVGG(
        (32, 48, 3),
        backbone_weights=None,
        filters=(2,) * 5,
        depth=2,
        steps=1,
        gaussians=1,
    )
    keras1_files.write_sam(small, tmp_path / "sam.pkl")
    models.FastNet((32, 48, 3), filters=(2,) * 5, depth=2).save(
        tmp_path / "fast.keras"
    )
    monkeypatch.setitem(models.MODELS, "sam_vgg", lambda **_: small)

    def evaluate(predict, dataset, metrics, **options):
        scores = {metric: [0.5] * len(dataset) for metric in metrics}
        return evaluation.Evaluation(dataset.names, scores)

    monkeypatch.setattr(evaluation, "evaluate", evaluate)
    table = table1(
        *("--rows", "Sam-VGG", "ML-Net", "--images", "0"),
        *("--input-size", "Sam-VGG=32x48", "--test-images", "2", "--weights"),
        *("Sam-VGG=sam.pkl", "ML-Net=fast.keras"),
    )
    assert "Epoch" not in capsys.readouterr().out
    assert table["ML-Net"]["cc"]["paper"] is None
    kept = json.loads(
        (tmp_path / "results/table1/sam_vgg_made_test.json").read_text()
    )
    assert kept["facts"] == {
        "model": "sam_vgg",
        "weights": "sam.pkl",
        "input": "32x48",
        "bytes": (tmp_path / "sam.pkl").stat().st_size,
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--weights", "Our model=x.keras"), "no network 'Our model'"),
        (("--weights", "SalGan=x.keras"), "there is no file x.keras"),
        (("--precision", "Sam=float32"), "no row 'Sam'"),
        (("--precision", "half"), "'half' is not one of float32"),
        (("--epochs", "Sam=1"), "there is no row 'Sam'"),
        (("--epochs", "Sam-VGG=many"), "'many' is no number"),
        (("--train-images", "all", "Sam-VGG=0"), "0 is not above 0"),
        (("--input-size", "Sam-VGG=32"), "'32' is no size"),
        (("--learning-rate", "inf"), "inf is not above 0 and finite"),
        (
            ("--rows", "ML-Net", "--adversarial-epochs", "2"),
            "--adversarial-epochs needs the row SalGan",
        ),
    ],
)
def test_refuses_what_is_none(arguments, message, capsys):
    with pytest.raises(SystemExit):
        running.script("table1").main(list(arguments))
    assert message in capsys.readouterr().err
