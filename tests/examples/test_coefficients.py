"""The search of coefficients, and what is concluded from it."""

import json
import math
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
import running

from keras_saliency import evaluation, experiments
from keras_saliency._utils.errors import NotInstalledError

pytestmark = pytest.mark.once


def worth(loss, metric):
    """Return a made-up mean that depends on the weights alone."""
    if isinstance(loss, str):
        return 0.001 * len(loss)
    k = evaluation.SEVEN.index(metric)
    return sum(
        math.sin(weight * (k + len(term.name)))
        for term, weight in zip(loss.losses, loss.weights, strict=True)
    )


@pytest.fixture
def search(example, monkeypatch, tmp_path, few_images):
    """A function that searches with trainings that take no time.

    It returns what is written and the names of the trainings; `before` is
    called with each name.
    """
    pytest.importorskip("optuna", reason="needs the extra search")
    names = []

    def train(self, loss, *_, name, **__):
        names.append(name)
        weights = [np.array([search.before(name) or 0.0])]
        model = SimpleNamespace(
            head=SimpleNamespace(get_weights=lambda: weights)
        )
        folder = tmp_path / "run"
        folder.mkdir(exist_ok=True)
        return SimpleNamespace(model=model, folder=folder, loss=loss)

    def score(run, *_):
        means = {m: worth(run.loss, m) for m in evaluation.SEVEN}
        return SimpleNamespace(means=lambda: means)

    monkeypatch.setattr(experiments.HeadTrainer, "check", lambda *_: None)
    monkeypatch.setattr(experiments.HeadTrainer, "train", train)
    monkeypatch.setattr(experiments, "score", score)

    def search(trials, *options, results="results"):
        names.clear()
        arguments = ("--trials", trials, "--results", results, *options)
        example("coefficients", *arguments)
        path = tmp_path / results / "coefficients.json"
        return json.loads(path.read_text()), list(names)

    search.before = lambda name: None
    return search


def weights_of(written):
    return {t["number"]: t.get("weights") for t in written["trials"]}


@pytest.mark.slow
def test_a_search_goes_on_as_if_it_had_not_stopped(search, tmp_path):
    whole, names = search(14, results="whole")
    assert names == [f"trial {i}" for i in range(14)]
    assert [t.get("reference") for t in whole["trials"][:4]] == [
        "KLD",
        "LC1",
        "LC2",
        None,
    ]
    written, names = search(5)
    assert names == [f"trial {i}" for i in range(5)]
    written, names = search(14)
    assert names == [f"trial {i}" for i in range(5, 14)]
    assert weights_of(written) == weights_of(whole)
    assert search(14)[1] == []
    sums = [
        sum(w / running.script("coefficients").TERMS[t] for t, w in ws.items())
        for ws in weights_of(written).values()
        if ws
    ]
    assert sums == pytest.approx([1.0] * 11, rel=0.01)
    assert (tmp_path / "results/coefficients.png").stat().st_size > 10_000
    with pytest.raises(experiments.SettingsError, match="other settings"):
        search(14, "--epochs", "3")


@pytest.mark.slow
def test_the_front_and_the_chosen_one(search, tmp_path):
    written, _ = search(20)
    points = {
        t["number"]: (t["means"]["cc"], t["means"]["nss"], -t["means"]["kl"])
        for t in written["trials"]
    }
    front = {
        number
        for number, point in points.items()
        if not any(
            other != point and all(np.greater_equal(other, point))
            for other in points.values()
        )
    }
    assert {t["number"] for t in written["trials"] if t["front"]} == front
    drawn = [t for t in written["trials"] if t["front"] and "weights" in t]
    assert len(drawn) > 2
    ranks = {t["number"]: 0 for t in drawn}
    for metric in evaluation.SEVEN:
        low = metric in ("emd", "kl")
        for rank, trial in enumerate(
            sorted(drawn, key=lambda t: t["means"][metric] * (1 if low else -1))
        ):
            ranks[trial["number"]] += rank
    assert ranks[written["chosen"]] == min(ranks.values())
    table = (tmp_path / "results/coefficients.md").read_text()
    assert table.count("\n|") == 1 + 3 + len(drawn)
    assert "| 0 | KLD | 0.003 |" in table
    compare = running.script("compare_coefficients")
    path = tmp_path / "results/coefficients.json"
    assert compare.chosen(path) == weights_of(written)[written["chosen"]]
    path.write_text(json.dumps({"chosen": None, "trials": []}))
    with pytest.raises(ValueError, match="more --trials"):
        compare.chosen(path)
    with pytest.raises(ValueError, match="run coefficients.py"):
        compare.chosen(tmp_path / "nowhere.json")


@pytest.mark.slow
def test_a_training_that_diverges_is_kept_as_failed(search):
    search.before = lambda name: math.nan if name == "trial 4" else 0.0
    written, names = search(6)
    assert names == [f"trial {i}" for i in range(6)]
    (failed,) = (t for t in written["trials"] if "failed" in t)
    assert failed["number"] == 4 and not failed["front"]
    assert "not finite" in failed["failed"] and "means" not in failed


@pytest.mark.slow
def test_what_is_cut_short_is_made_again(search):
    def stop(name):
        raise KeyboardInterrupt

    search.before = stop
    with pytest.raises(KeyboardInterrupt):
        search(5)
    search.before = lambda name: None
    written, names = search(5)
    # The first, KLD, comes last of the three.
    assert names == [f"trial {i}" for i in range(1, 6)]
    references = [t["reference"] for t in written["trials"][:3]]
    assert sorted(references) == ["KLD", "LC1", "LC2"]


@pytest.mark.slow
def test_a_process_that_was_killed_is_noticed(search, tmp_path, monkeypatch):
    import optuna

    search(3)
    script = running.script("coefficients")
    storage = script.storage(tmp_path / "results/coefficients/study.db")
    study = optuna.load_study(study_name="coefficients", storage=storage)
    with pytest.warns(UserWarning, match="Heartbeat"):
        trial = study.ask()
    storage.record_heartbeat(trial._trial_id)
    assert study.trials[3].state.name == "RUNNING"
    load = running.script
    monkeypatch.setattr(running, "script", lambda name: hasty(load(name)))
    time.sleep(2.1)
    search(4)
    states = [trial.state.name for trial in study.get_trials()]
    assert states == [*["COMPLETE"] * 3, "FAIL", "COMPLETE"]


def hasty(script):
    script.HEARTBEAT, script.GRACE = 1, 1
    return script


@pytest.mark.filterwarnings("ignore")
def test_without_optuna(example, few_images, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(NotInstalledError, match=r"keras_saliency\[search\]"):
        example("coefficients")


def made(shift, spread=0.1):
    """Results on 60 images, better by a shift in every metric."""
    rng = np.random.default_rng(0)
    scores = {}
    for metric in evaluation.SEVEN:
        sign = 1 if evaluation.METRICS[metric].higher_is_better else -1
        scores[metric] = 1 + sign * shift + spread * rng.standard_normal(60)
    return evaluation.Evaluation([f"{i:02d}" for i in range(60)], scores)


def test_the_verdict():
    script = running.script("compare_coefficients")
    rows = {"searched": [made(0.1), made(0.2)]}
    others = {name: [made(0.0), made(0.0, 0.11)] for name in script.REFERENCES}
    sets = {"one": {**rows, **others}, "two": {**rows, **others}}
    found = script.compared(sets)
    assert found["better"] and found["seeds"] == 2
    cell = found["differences"]["two"]["LC1"]["kl"]
    assert cell["low"] < -0.15 < cell["high"] < 0 and cell["better"] == 1
    assert found["means"]["one"]["searched"]["cc"] == pytest.approx(
        found["means"]["one"]["KLD"]["cc"] + 0.15, abs=0.01
    )
    # Of 2 sets, 3 losses and 7 metrics.
    assert cell["p"] == pytest.approx(42 / 10_001)
    sets["two"] = {**rows, **others, "LC2": [made(0.1), made(0.2)]}
    found = script.compared(sets)
    assert not found["better"]
    assert found["differences"]["two"]["LC2"]["nss"]["better"] == 0
    sets["two"]["LC2"] = [made(0.3), made(0.3)]
    cell = script.compared(sets)["differences"]["two"]["LC2"]["emd"]
    assert cell["better"] == -1 and cell["low"] > 0


@pytest.mark.slow
def test_real_trainings(example, few_images, data, tmp_path, vgg16_weights):
    pytest.importorskip("optuna", reason="needs the extra search")
    options = ("--epochs", 1, "--backbone-weights", vgg16_weights)
    example("coefficients", "--trials", 5, "--train-images", 6, *options)
    written = json.loads((tmp_path / "results/coefficients.json").read_text())
    assert len({t["means"]["cc"] for t in written["trials"]}) == 5
    assert not any((tmp_path / "results/coefficients/runs").iterdir())
    compare = ("--sets", f"other={data}", "--test-images", 3)
    example("compare_coefficients", *compare, *options)
    found = json.loads(
        (tmp_path / "results/compare_coefficients.json").read_text()
    )
    assert found["images"] == {"generated": 3, "other": 3}
    text = (tmp_path / "results/compare_coefficients.md").read_text()
    assert "| searched - LC2 |" in text and "KL on all of these" in text
