"""Tables of metrics: sources, processes, resuming."""

import functools
import importlib
import pickle

import cv2
import keras
import numpy as np
import pytest
from evaluations import same

from keras_saliency import evaluation, images
from keras_saliency.datasets import SaliencyDataset, generate
from keras_saliency.evaluation import evaluate
from keras_saliency.evaluation._statistics import draw_others, name_keys

COUNT = 6
SIZE = (48, 64)


@pytest.fixture(scope="module")
def dataset():
    return generate(count=COUNT, size=SIZE)


@pytest.fixture(scope="module")
def maps(dataset):
    rng = np.random.default_rng(0)
    return [
        (dataset.true_density(i) + 0.3 * rng.random(SIZE)).astype("float32")
        for i in range(COUNT)
    ]


def test_values_are_those_of_the_metrics(dataset, maps):
    result = evaluate(maps, dataset, verbose=0)
    assert tuple(result.scores) == evaluation.SEVEN
    assert result.names == dataset.names
    for i in range(COUNT):
        truth = {
            "density": dataset.density(i),
            "fixations": dataset.fixation_map(i),
        }
        for name in evaluation.SEVEN:
            metric = evaluation.METRICS[name]
            (need,) = metric.needs
            assert result.scores[name][i] == metric.function(
                prediction=maps[i], **{need: truth[need]}
            )


def test_arrays_dictionaries_and_functions(dataset, maps):
    expected = evaluate(maps, dataset, metrics=["cc", "nss"], verbose=0)
    stack = np.stack(maps)[..., None]
    same(evaluate(stack, dataset, metrics=["cc", "nss"], verbose=0), expected)
    named = {
        name + ".png": map_
        for name, map_ in zip(dataset.names, maps, strict=True)
    }
    same(evaluate(named, dataset, metrics=["cc", "nss"], verbose=0), expected)
    by_image = {dataset.image(i).tobytes(): map_ for i, map_ in enumerate(maps)}
    same(
        evaluate(
            lambda image: by_image[image.tobytes()],
            dataset,
            metrics=["cc", "nss"],
            verbose=0,
        ),
        expected,
    )


def test_folder_of_files(dataset, maps, tmp_path):
    for i, (name, map_) in enumerate(zip(dataset.names, maps, strict=True)):
        if i % 2:
            np.save(tmp_path / f"{name}.npy", map_)
        else:
            levels = np.rint(map_ / map_.max() * 65535).astype("uint16")
            cv2.imwrite(str(tmp_path / f"{name}.png"), levels)
    expected = evaluate(maps, dataset, verbose=0)
    same(evaluate(tmp_path, dataset, verbose=0), expected, 1e-3)
    (tmp_path / f"{dataset.names[1]}.npy").unlink()
    with pytest.raises(ValueError, match="1 of the 6 images have no map"):
        evaluate(tmp_path, dataset)
    (tmp_path / f"{dataset.names[1]}.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=f"{dataset.names[1]}.png"):
        evaluate(str(tmp_path), dataset, verbose=0)
    np.save(tmp_path / f"{dataset.names[0]}.npy", maps[0])
    with pytest.raises(ValueError, match="has several maps"):
        evaluate(tmp_path, dataset)
    with pytest.raises(FileNotFoundError, match="no folder"):
        evaluate(tmp_path / "missing", dataset)


@pytest.mark.parametrize("size", [SIZE, (None, None)])
def test_model(dataset, size):
    inputs = keras.Input((*size, 3))
    x = keras.layers.AveragePooling2D(4)(inputs)
    model = keras.Model(inputs, keras.layers.Conv2D(1, 1)(x) ** 2)
    result = evaluate(model, dataset, metrics=["cc"], batch_size=4, verbose=0)
    for i in range(COUNT):
        image = dataset.image(i)[None].astype("float32")
        map_ = model.predict(image, verbose=0)[0, ..., 0]
        value = evaluation.cc(
            prediction=images.resize(map_, SIZE), density=dataset.density(i)
        )
        assert result.scores["cc"][i] == pytest.approx(value, abs=1e-5)
    smaller = evaluate(
        model,
        dataset,
        metrics=["cc"],
        size=(24, 32),
        image_size=SIZE,
        verbose=0,
    )
    assert (smaller.scores["cc"] != result.scores["cc"]).any()


def test_images_of_several_sizes():
    rng = np.random.default_rng(0)
    sizes = [(40, 60), (50, 30), (64, 64)]
    arrays = [rng.integers(0, 256, (*s, 3), dtype="uint8") for s in sizes]
    densities = [rng.random(size) for size in sizes]
    dataset = SaliencyDataset("own", arrays, densities=densities)
    maps = [rng.random((20, 20)) for _ in sizes]
    result = evaluate(maps, dataset, verbose=0)
    assert list(result.scores) == ["cc", "sim", "emd", "kl"]
    assert np.isfinite(list(result.scores.values())).all()
    with pytest.raises(ValueError, match="nss needs fixations"):
        evaluate(maps, dataset, metrics=["nss"])


def test_shuffled_and_information_gain(dataset, maps):
    names = ["auc_shuffled", "information_gain"]
    baseline = dataset.mean_density((20, 20))
    options = {"verbose": 0, "baseline": baseline, "others": 2}
    result = evaluate(maps, dataset, metrics=names, **options)
    same(evaluate(maps, dataset, metrics=names, **options), result)
    another = evaluate(maps, dataset, metrics=names, seed=1, **options)
    assert (
        another.scores["auc_shuffled"] != result.scores["auc_shuffled"]
    ).any()
    options["others"] = None
    everyone = evaluate(maps, dataset, metrics=names, **options)
    other = sum(dataset.fixation_map(i) for i in range(1, COUNT))
    assert everyone.scores["auc_shuffled"][0] == evaluation.auc_shuffled(
        prediction=maps[0],
        fixations=dataset.fixation_map(0),
        other_fixations=other,
    )
    assert result.scores["information_gain"][0] == evaluation.information_gain(
        prediction=maps[0],
        fixations=dataset.fixation_map(0),
        baseline=images.resize(baseline, SIZE),
    )


def test_what_a_process_gets_scores_the_same(dataset, maps, monkeypatch):
    expected = evaluate(maps, dataset, verbose=0)

    def map_in_order(function, jobs, workers):
        for job in jobs:
            job = pickle.loads(pickle.dumps(functools.partial(function, *job)))
            yield job()

    module = importlib.import_module("keras_saliency.evaluation.evaluate")
    monkeypatch.setattr(module, "map_in_order", map_in_order)
    same(evaluate(maps, dataset, verbose=0), expected)


@pytest.mark.slow
def test_any_number_of_processes(dataset, maps, tmp_path):
    expected = evaluate(maps, dataset, verbose=0)
    journal = tmp_path / "scores.jsonl"
    same(
        evaluate(maps, dataset, workers=2, verbose=0, resume=journal), expected
    )
    assert len(journal.read_text().splitlines()) == COUNT


def test_resumes_what_was_broken_off(dataset, maps, tmp_path, monkeypatch):
    journal = tmp_path / "new" / "scores.jsonl"
    names = ["cc", "nss"]
    expected = evaluate(maps, dataset, metrics=names, verbose=0, resume=journal)
    lines = journal.read_text().splitlines()
    # Killed within the third line.
    journal.write_text("\n".join(lines[:2]) + "\n" + lines[2][:20])
    scored = []
    score = evaluation.scores.score

    def counted(*arguments):
        scored.append(1)
        return score(*arguments)

    monkeypatch.setattr(evaluation.scores, "score", counted)
    options = {"verbose": 0, "resume": journal}
    same(evaluate(maps, dataset, metrics=names, **options), expected)
    assert len(scored) == COUNT - 2
    same(evaluate(maps, dataset, metrics=names, **options), expected)
    assert len(scored) == COUNT - 2
    # Whatever else is asked for is no old row.
    changed = [maps[0] + 1, *maps[1:]]
    evaluate(changed, dataset, metrics=names, **options)
    assert len(scored) == COUNT - 1
    evaluate(maps, dataset, metrics={"cc": {}, "nss": {"ddof": 0}}, **options)
    evaluate(maps, dataset, metrics=names, size=(24, 32), **options)
    evaluate(maps, dataset, metrics=names, sigma=7, **options)
    assert len(scored) == COUNT - 1 + 3 * COUNT


def test_a_function_is_asked_once_for_each_image(dataset, maps, tmp_path):
    asked = []

    def function(image):
        asked.append(1)
        return maps[(len(asked) - 1) % COUNT]

    options = {"verbose": 0, "resume": tmp_path / "scores.jsonl"}
    first = evaluate(function, dataset, metrics=["cc"], **options)
    assert len(asked) == COUNT
    lines = options["resume"].read_text()
    same(evaluate(function, dataset, metrics=["cc"], **options), first)
    assert options["resume"].read_text() == lines


def test_resume_knows_a_map_by_its_file(dataset, maps, tmp_path):
    for name, map_ in zip(dataset.names, maps, strict=True):
        np.save(tmp_path / f"{name}.npy", map_)
    journal = tmp_path / "scores.jsonl"
    options = {"metrics": ["cc"], "verbose": 0, "resume": journal}
    first = evaluate(tmp_path, dataset, **options)
    same(evaluate(tmp_path, dataset, **options), first)
    assert len(journal.read_text().splitlines()) == COUNT
    np.save(tmp_path / f"{dataset.names[0]}.npy", maps[0].max() - maps[0])
    changed = evaluate(tmp_path, dataset, **options).scores["cc"]
    assert (changed != first.scores["cc"]).tolist() == [True] + [False] * 5
    assert len(journal.read_text().splitlines()) == COUNT + 1


def test_resume_knows_a_model_by_its_weights(dataset, tmp_path):
    inputs = keras.Input((*SIZE, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(1, 1)(inputs) ** 2)
    options = {"verbose": 0, "resume": tmp_path / "scores.jsonl"}
    first = evaluate(model, dataset, metrics=["cc"], **options)
    weights = model.get_weights()
    model.set_weights([-2 * weights[0] + 1, weights[1]])
    second = evaluate(model, dataset, metrics=["cc"], **options)
    assert (first.scores["cc"] != second.scores["cc"]).any()
    model.set_weights(weights)
    model.predict_on_batch = None
    same(evaluate(model, dataset, metrics=["cc"], **options), first)


def test_a_folder_of_arrays_is_scored_as_the_arrays(dataset, maps, tmp_path):
    # Values that are negative, and that float32 does not tell apart.
    maps = [1e-9 * map_.astype("float64") - 1 for map_ in maps]
    for name, map_ in zip(dataset.names, maps, strict=True):
        np.save(tmp_path / f"{name}.npy", map_)
    chosen = ["cc", "nss", "auc_judd", "sim"]
    expected = evaluate(maps, dataset, chosen, verbose=0)
    assert expected.means()["nss"] > 0.5
    same(evaluate(tmp_path, dataset, chosen, verbose=0), expected)


def test_a_folder_with_links(dataset, maps, tmp_path):
    for name, map_ in zip(dataset.names, maps, strict=True):
        np.save(tmp_path / f"{name}.npy", map_)
    (tmp_path / "linked").mkdir()
    for i in range(2):
        path = tmp_path / f"{dataset.names[i]}.npy"
        path.rename(tmp_path / "linked" / path.name)
    folder = tmp_path / "maps"
    (folder / "sub").mkdir(parents=True)
    for path in tmp_path.glob("*.npy"):
        path.rename(folder / "sub" / path.name)
    (folder / "more").symlink_to(tmp_path / "linked")
    (folder / "sub" / "loop").symlink_to(folder)
    dataset = SaliencyDataset(
        "linked",
        dataset.images,
        names=[
            f"{'more' if i < 2 else 'sub'}/{dataset.names[i]}" for i in range(6)
        ],
        fixations=dataset.fixations,
    )
    result = evaluate(folder, dataset, ["cc"], verbose=0)
    assert np.isfinite(result.scores["cc"]).all()


def test_names_need_not_be_utf8(dataset, maps, tmp_path):
    names = [f"caf\udce9{i}" for i in range(COUNT)]
    renamed = SaliencyDataset(
        "names", dataset.images, names=names, fixations=dataset.fixations
    )
    chosen = ["cc", "auc_shuffled"]
    result = evaluate(maps, renamed, chosen, verbose=0)
    result.to_csv(tmp_path / "scores.csv")
    back = evaluation.Evaluation.load(tmp_path / "scores.csv")
    assert list(back.names) == names
    same(back, result)


def test_names_the_image_of_a_bad_map(dataset, maps):
    for bad, message in (
        (np.full(SIZE, np.nan), "NaN or infinity"),
        (np.full(SIZE, -1.0), "negative"),
        (np.zeros((3, 4, 5)), "must be a map"),
        (np.array([["a"]]), "type"),
    ):
        changed = [*maps[:2], bad, *maps[3:]]
        with pytest.raises(ValueError, match=f"{dataset.names[2]}.*{message}"):
            evaluate(changed, dataset, verbose=0)


def test_refuses_what_does_not_fit(dataset, maps):
    twice = dict(zip(dataset.names, maps, strict=True))
    twice[f"{dataset.names[2]}.jpg"] = maps[0]
    for predictions, options, message in (
        (maps[:3], {}, "3 predictions for 6 images"),
        ({"a": maps[0]}, {}, "no predictions for 6 of the 6"),
        (twice, {}, "has several predictions, the last of them named"),
        (maps, {"batch_size": 0}, "batch_size must be a whole number"),
        (maps, {"batch_size": 2.5}, "batch_size must be a whole number"),
        (maps, {"workers": 0}, "workers"),
        (maps, {"others": 0}, "others"),
        (maps, {"verbose": 2}, "verbose"),
        (maps, {"size": 3}, "size"),
        (maps, {"baseline": np.full(SIZE, np.nan)}, "baseline"),
        (keras.Sequential([keras.Input((3,))]), {}, "must take images"),
    ):
        with pytest.raises(ValueError, match=message):
            evaluate(predictions, dataset, **options)
    with pytest.raises(ValueError, match="the data set has one image"):
        evaluate(maps[:1], dataset.subset([0]), metrics=["auc_shuffled"])


def test_progress_bar(dataset, maps, capsys):
    evaluate(maps, dataset, metrics=["cc"])
    assert "6/6" in capsys.readouterr().out


def test_the_shuffled_auc_does_not_depend_on_the_order():
    dataset = generate(30, (24, 32))
    maps = np.random.default_rng(0).random((30, 24, 32))

    def scores(order, **options):
        table = evaluate(
            maps[order],
            dataset.subset(order),
            ["auc_shuffled"],
            verbose=0,
            **options,
        )
        values = table.scores["auc_shuffled"]
        return dict(zip(table.names, values, strict=True))

    straight = [*range(30)]
    expected = scores(straight)
    mixed = np.random.default_rng(1).permutation(30).tolist()
    assert scores(straight[::-1]) == expected
    assert scores(mixed) == expected
    assert scores(straight, seed=1) != expected
    # One image less: that is one of 10 others for a third of the images.
    less = scores(straight[:-1])
    same = sum(less[name] == expected[name] for name in less)
    assert 12 <= same < 29
    assert len(set(expected.values())) == 30


def test_other_images_are_drawn_evenly():
    keys = name_keys(map(str, range(100)), 0)
    drawn = np.stack([draw_others(keys, i, 10) for i in range(100)])
    assert all(
        i not in row and len(set(row)) == 10
        for i, row in enumerate(drawn.tolist())
    )
    counts = np.bincount(drawn.ravel(), minlength=100)
    # Binomial, with a mean of 10 and a standard deviation of 3.
    assert 1 <= counts.min() and counts.max() <= 21
    assert 2 < counts.std() < 4
    assert set(draw_others(keys, 3, 1000)) == {*range(100)} - {3}
