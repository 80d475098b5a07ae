"""Ray with two local workers gives what one process gives."""

import gc

import cv2
import numpy as np
import pytest
from media import PICTURE, write

from keras_saliency import cli, datasets, evaluation, models

ray = pytest.importorskip("ray", reason="needs the extra ray")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.once,
    # Of Ray itself, about what it will do in versions to come.
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture(scope="module", autouse=True)
def two_workers():
    for tries_left in (2, 1, 0):
        try:
            ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
            break
        except Exception as error:
            # Ray gives its own processes 15 s, too few on a busy machine.
            if not tries_left or "timed out" not in str(error):
                raise
            ray.shutdown()
        gc.collect()  # warns of those processes, here and not elsewhere
    yield
    ray.shutdown()


def test_folder(example, tmp_path, capsys):
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    for k in range(6):
        write(folder / f"{k}.png", np.roll(PICTURE, 7 * k, axis=1)[: 46 - k])
    write(folder / "sub/0.jpg")
    (folder / "bad.png").write_bytes(b"\x89PNG and no more")
    model = ("--model", "spectral_residual")
    example(
        "predict_ray", folder, "-o", "out", "--workers", 2, "--batch-size", 2,
        *model,
    )  # fmt: skip
    said = capsys.readouterr().out
    assert "7 maps, 1 errors" in said and "1 times: The file" in said
    one = tmp_path / "one"
    words = ["predict", str(folder), "-o", str(one), "--recursive", *model]
    assert cli.main(words) == 1
    for path in (p for p in one.rglob("*.png")):
        (found,) = (tmp_path / "out").glob(
            f"{path.relative_to(one).with_suffix('')}.*.png"
        )
        assert found.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("nested", [False, True])
def test_parquet(example, tmp_path, nested):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    data = [
        cv2.imencode(".png", np.roll(PICTURE, k, axis=1))[1].tobytes()
        for k in range(5)
    ]
    rows = [{"bytes": each, "path": ""} for each in data] if nested else data
    table = pyarrow.table({"id": list(range(5)), "picture": rows})
    parquet.write_table(table, tmp_path / "in.parquet")
    example(
        "predict_ray", "in.parquet", "-o", "out", "--column", "picture",
        "--model", "bundled",
    )  # fmt: skip
    made = parquet.read_table(tmp_path / "out").sort_by("id").to_pydict()
    assert set(made) == {"id", "map", "error"} and not any(made["error"])
    for k, found in enumerate(made["map"]):
        map_ = cv2.imdecode(np.frombuffer(found, "uint8"), -1)
        image = cv2.imdecode(np.frombuffer(data[k], "uint8"), 1)[..., ::-1]
        expected = models.get("bundled").saliency_map(image)
        np.testing.assert_allclose(
            map_, 255 * expected / expected.max(), atol=1.01
        )


def test_evaluate_to_the_last_digit(example, tmp_path):
    made = datasets.generate(21, (48, 64), seed=3)
    datasets.to_compact(made, tmp_path / "data", progress=False)
    models.FastNet((48, 64, 3), filters=(2,) * 5, depth=2).save("fast.keras")
    example(
        "evaluate_ray", "fast.keras", "--data", "data", "--parts", 2,
        "-o", "ray.csv", "--metrics", "cc", "nss", "auc_shuffled",
    )  # fmt: skip
    evaluation.evaluate(
        "fast.keras",
        datasets.load_path("data"),
        ["cc", "nss", "auc_shuffled"],
        verbose=0,
    ).to_csv("one.csv")
    one, two = (tmp_path / f"{name}.csv" for name in ("one", "ray"))
    assert one.read_bytes() == two.read_bytes()
