"""Arguments are read and refused before anything starts."""

from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest

from keras_saliency import datasets, experiments
from keras_saliency.experiments import command_line


@pytest.fixture
def parser():
    parser = command_line.parser("What it does.")
    command_line.add_training_arguments(parser)
    command_line.add_table_arguments(parser)
    parser.add_argument("--set", type=command_line.named_folder)
    parser.add_argument("--rate", type=command_line.rate)
    parser.add_argument("--network-rate", type=command_line.network_rate)
    parser.add_argument("--size", type=command_line.input_size)
    parser.add_argument("--loss", type=command_line.loss_name)
    parser.add_argument("--half", type=command_line.precision)
    return parser


def test_arguments_are_read(parser, tmp_path):
    h5py.File(tmp_path / "vgg.h5", "w").close()
    arguments = parser.parse_args(
        [
            *("--data", str(tmp_path), "--set", f"a={tmp_path}"),
            *("--backbone-weights", str(tmp_path / "vgg.h5")),
            *("--rate", "1e-3", "--network-rate", "authors"),
            *("--size", "48x64", "--loss", "W-BCE(w=0.7)", "--images", "0"),
            *("--half", "mixed_bfloat16", "--seed", "3", "--epochs", "2"),
        ]
    )
    assert arguments.data == tmp_path and arguments.set == ("a", tmp_path)
    assert arguments.rate == 1e-3
    assert arguments.network_rate == experiments.AUTHORS
    assert arguments.size == (48, 64)
    assert arguments.loss == "W-BCE(w=0.7)"
    assert (arguments.images, arguments.seed, arguments.epochs) == (0, 3, 2)
    assert arguments.results == Path("results") and arguments.part == "test"
    assert arguments.half == "mixed_bfloat16"
    assert arguments.precision == "float32"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--data", "nowhere"), "--data: there is no folder nowhere"),
        (("--backbone-weights", "no.h5"), "there is no file no.h5"),
        (("--resnet-weights", "no.h5"), "there is no file no.h5"),
        (("--resnet-weights", __file__), "is no weights file (HDF5)"),
        (("--set", "folder"), "'folder' is not NAME=PATH"),
        (("--set", "a=nowhere"), "there is no folder nowhere"),
        (("--part", "tests"), "invalid choice: 'tests'"),
        (("--epochs", "0"), "--epochs: 0 is not above 0"),
        (("--epochs", "many"), "'many' is no number"),
        (("--test-images", "1.5"), "'1.5' is no number"),
        (("--images", "-1"), "-1 is below 0"),
        (("--seed", "one"), "'one' is no number"),
        (("--rate", "0"), "0 is not above 0"),
        (("--rate", "nan"), "nan is not above 0"),
        (("--network-rate", "author"), "'author' is no number"),
        (("--size", "32"), "'32' is no size such as 240x320"),
        (("--size", "0x32"), "'0x32' is no size such as 240x320"),
        (("--loss", "LC3"), "There is no loss 'LC3'"),
        (("--half", "half"), "'half' is not one of float32, mixed_bfloat16"),
        (("--precision", "half"), "invalid choice: 'half'"),
    ],
)
def test_what_is_wrong_is_said(parser, arguments, message, capsys):
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_help_shows_the_docstring(parser):
    assert "What it does." in parser.format_help()


def test_generated_images_get_a_small_network(parser, tmp_path):
    generated = parser.parse_args([])
    trainer = command_line.head_trainer(generated, "mixed_bfloat16")
    assert trainer.backbone == "tiny"
    assert trainer.input_shape == (120, 160, 3)
    assert trainer.precision == "mixed_bfloat16"
    assert command_line.network_weights(generated, "sam_vgg") is None
    assert trainer.model().map_size == (30, 40)

    resnet = tmp_path / "resnet.h5"
    h5py.File(resnet, "w").close()
    real = parser.parse_args(
        ["--data", str(tmp_path), "--resnet-weights", str(resnet)]
    )
    trainer = command_line.head_trainer(real)
    assert trainer.backbone == "vgg16"
    assert trainer.input_shape == (300, 400, 3)
    assert command_line.network_weights(real, "sam_vgg") == "imagenet"
    assert command_line.network_weights(real, "sam_resnet") == str(resnet)
    assert command_line.network_weights(real, "eml_net") == (
        str(resnet),
        "imagenet",
    )


def test_parts_of_a_data_set(tmp_path, monkeypatch):
    made = datasets.generate(count=11, size=(32, 48), seed=1)
    datasets.to_compact(made, tmp_path / "made", progress=False)
    parts = command_line.load_parts(tmp_path / "made")
    assert tuple(parts) == command_line.PARTS
    assert [len(part) for part in parts.values()] == [7, 2, 2]
    assert len({name for part in parts.values() for name in part.names}) == 11

    asked = []

    def generate(count):
        asked.append(count)
        return made

    monkeypatch.setattr(datasets, "generate", generate)
    assert len(command_line.load_parts(None)["train"]) == 7
    assert asked == [240]


def test_mit1003_has_the_papers_split(mit1003_path):
    parts = command_line.load_parts(mit1003_path)
    assert [len(part) for part in parts.values()] == [500, 200, 303]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (datasets.DatasetError("The folder is\nempty."), 2),
        (experiments.SettingsError("The folder is empty."), 2),
        (OSError(28, "The folder is empty."), 1),
        (MemoryError("The folder is empty."), 1),
    ],
)
def test_errors_end_a_script_with_a_line(error, status, capsys):
    def main():
        raise error

    with pytest.raises(SystemExit) as ended:
        command_line.run(main)
    assert ended.value.code == status
    said = capsys.readouterr().err
    if isinstance(error, MemoryError):
        said = said.replace("There is too little memory for this. ", "")
    assert said == "keras-saliency: The folder is empty.\n"


def test_other_errors_keep_their_traceback(monkeypatch):
    def main():
        raise error

    error = TypeError("a fault")
    with pytest.raises(TypeError, match="a fault"):
        command_line.run(main)
    monkeypatch.setenv("KERAS_SALIENCY_TRACEBACK", "1")
    error = ValueError("shown on request")
    with pytest.raises(ValueError, match="shown on request"):
        command_line.run(main)
    with pytest.raises(SystemExit) as ended:
        command_line.run(lambda: None)
    assert ended.value.code == 0


def test_too_few_images_for_the_parts(tmp_path):
    datasets.to_compact(datasets.generate(4), tmp_path / "few", progress=False)
    with pytest.raises(datasets.DatasetError, match="generated has 4 images"):
        command_line.load_parts(tmp_path / "few")


def test_an_option_can_differ_by_row(parser, capsys):
    command_line.add_option_by_row(
        parser,
        "--batch-size",
        ("LC 1", "W-BCE(w=0.7)"),
        command_line.count,
        10,
        "images per step",
    )
    arguments = parser.parse_args([])
    assert arguments.batch_size["LC 1"] == 10
    given = ["--batch-size", "5", "LC 1=3", "W-BCE(w=0.7)=2"]
    sizes = parser.parse_args(given).batch_size
    assert (sizes["LC 1"], sizes["W-BCE(w=0.7)"], sizes["LC 2"]) == (3, 2, 5)
    # Nothing of one call stays for the next.
    assert parser.parse_args([]).batch_size["LC 1"] == 10
    with pytest.raises(SystemExit):
        parser.parse_args(["--batch-size", "LC 3=4"])
    assert "there is no row 'LC 3'" in capsys.readouterr().err


def test_sets_by_name(tmp_path):
    """The sigma of SALICON's published maps; images without fixations."""
    made = datasets.generate(count=3, size=(48, 64))
    path = datasets.to_compact(made, tmp_path / "set", progress=False)
    sets = command_line.load_sets([("SALICON", path), ("Other", path)])
    assert list(sets) == ["SALICON", "Other"]
    assert [dataset.name for dataset in sets.values()] == ["SALICON", "Other"]
    usual = datasets.load_path(path).density(0)
    other = datasets.load_path(path, default_sigma=19.0).density(0)
    np.testing.assert_array_equal(sets["Other"].density(0), usual)
    np.testing.assert_array_equal(sets["SALICON"].density(0), other)
    assert np.abs(usual - other).max() > 1e-6
    (first,) = command_line.load_extra([("Other", path)])
    assert first.names == sets["Other"].names
    for names in (("x", "x"), ("x a", "x-a")):
        with pytest.raises(datasets.DatasetError, match="a name of its own"):
            command_line.load_sets([(name, path) for name in names])


def test_a_set_in_folders_has_the_name_it_is_given(tmp_path):
    made = datasets.generate(count=2, size=(48, 64))
    for kind in ("images", "maps"):
        (tmp_path / "set" / kind).mkdir(parents=True)
    for i, name in enumerate(made.names):
        image = made.image(i)[..., ::-1]
        cv2.imwrite(str(tmp_path / "set/images" / f"{name}.png"), image)
        density = made.density(i)
        gray = np.round(255 * density / density.max())
        cv2.imwrite(str(tmp_path / "set/maps" / f"{name}.png"), gray)
    sets = command_line.load_sets([("Other", tmp_path / "set")])
    assert sets["Other"].name == "Other"
    assert datasets.load_path(tmp_path / "set").name == "set"


def test_what_is_named_twice_is_taken_once(parser):
    command_line.add_seeds_argument(parser)
    parser.add_argument("--rows", nargs="+")
    given = parser.parse_args(
        ["--rows", "CC", "MSE", "CC", "--seeds", "1", "0", "01"]
    )
    assert given.rows == ["CC", "MSE"] and given.seeds == [1, 0]


def test_a_seed_that_keras_takes(parser, capsys):
    assert parser.parse_args(["--seed", str(2**32 - 1)]).seed == 2**32 - 1
    with pytest.raises(SystemExit):
        parser.parse_args(["--seed", str(2**32)])
    assert "is not below 2**32" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["SALICON", "salicon", "Salicon"])
def test_salicons_sigma_is_found_however_its_name_is_written(tmp_path, name):
    made = datasets.generate(10, (24, 32))
    made.default_sigma, made.name = None, name
    datasets.to_compact(made, tmp_path / name, progress=False)
    assert datasets.load_path(tmp_path / name).default_sigma is None
    loaded = command_line.load_sets([(name, tmp_path / name)])[name]
    assert loaded.default_sigma == 19
    for part in command_line.load_parts(tmp_path / name).values():
        assert part.default_sigma == 19
    other = command_line.load_sets([("OSIE", tmp_path / name)])["OSIE"]
    assert other.default_sigma is None
