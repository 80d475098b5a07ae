"""Tables 2 and 3, and what is drawn and concluded from them."""

import json
from pathlib import Path

import numpy as np
import pytest

from keras_saliency import datasets, evaluation, experiments, losses


@pytest.mark.slow
def test_table2_goes_on_and_refuses_another_recipe(
    example, few_images, tmp_path, capsys
):
    def run(*rows, epochs="1"):
        options = ("--epochs", epochs, "--rows", *rows, "--seeds", 0, 1)
        example("table2", *options)
        written = json.loads((tmp_path / "results/table2.json").read_text())
        return written, capsys.readouterr().out

    written, printed = run("MSE")
    for seed in (0, 1):
        assert printed.count(f"generated_mse_seed{seed}\n") == 1
    assert "3 images, 2 seeds" in printed
    kept = experiments.read_scores(tmp_path / "results/table2.npz")
    assert [list(rows) for rows in kept.values()] == [["MSE"]]
    assert written["MSE"]["cc"]["paper"] == 0.6388
    assert len(set(written["MSE"]["cc"]["seeds"])) == 2

    again, printed = run("MSE")
    assert again == written and "generated_" not in printed
    with pytest.raises(
        experiments.SettingsError, match="another folder with --results"
    ):
        run("MSE", epochs="2")


@pytest.fixture
def known_scores(tmp_path):
    """A file of scores: LC2 is worse than MSE by 0.1, all others are alike."""
    rng = np.random.default_rng(0)
    names = [f"{i:03d}" for i in range(60)]
    difficulty = 0.1 * rng.standard_normal(60)
    results = {}
    for row in losses.TABLE2:
        shift = (
            -0.1 if row.name.endswith("SIG-MSE + R") and "DF" in row.name else 0
        )
        for _ in range(2):
            scores = {}
            for metric in evaluation.SEVEN:
                sign = 1 if evaluation.METRICS[metric].higher_is_better else -1
                noise = 0.01 * rng.standard_normal(60)
                scores[metric] = 1 + difficulty + sign * shift + noise
            runs = results.setdefault(row.name, [])
            runs.append(evaluation.Evaluation(names, scores))
    path = tmp_path / "known" / "table2.npz"
    experiments.write_scores(path, {"MIT1003": results})
    return path


@pytest.mark.slow
def test_findings_of_known_scores(example, known_scores, capsys):
    example("findings", "--scores", known_scores)
    folder = known_scores.parent
    found = json.loads((folder / "findings.json").read_text())
    (gain,) = (
        f for f in found if f["question"].startswith("What does LC2 gain")
    )
    assert gain["second"] == "MSE"
    cc = gain["metrics"]["CC"]
    assert cc["better"] == -1 and cc["paper_better"] == 1
    assert cc["low"] < -0.1 + 0.01 and cc["high"] > -0.1 - 0.01
    assert cc["paper_percent"] == pytest.approx(14.1, abs=0.1)
    (alike,) = (
        f for f in found if f["question"].startswith("Do the perceptual terms")
    )
    assert {m["better"] for m in alike["metrics"].values()} == {0}
    printed = capsys.readouterr().out
    assert "60 images, 2 seeds. P-values are corrected over all 351" in printed
    assert "**Contradicts the paper** in CC" in printed
    assert "| Saliency-inspired, best | 2 |" in printed
    table = json.loads((folder / "table2.json").read_text())
    assert table["MSE"]["cc"]["paper"] == 0.6388

    with pytest.raises(SystemExit):
        example("findings", "--scores", known_scores, "--dataset", "OSIE")
    assert "has MIT1003 only" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        example("findings")
    assert "there is no file results/table2.npz" in capsys.readouterr().err


@pytest.mark.further
def test_which_loss_of_known_scores(example, known_scores):
    example("which_loss", "--scores", known_scores)
    folder = known_scores.parent
    (content,) = json.loads((folder / "which_loss.json").read_text())[
        "sets"
    ].values()
    assert (content["images"], content["seeds"]) == (60, 2)
    for metric in evaluation.SEVEN:
        *others, last = content["metrics"][metric]
        assert last[0].endswith("DF + GM + SIG-MSE + R")
        assert last[4:7] == [27, 27, 27] and last[7] < 0.05
        assert len(others) == 26 and min(r[7] for r in others) > 0.05
        assert (folder / f"which_loss_{metric}.png").stat().st_size > 5_000
    page = (folder / "which_loss.md").read_text()
    assert "60 images, 2 seeds." in page
    assert "The 27 losses of the paper's table 2 trained" in page
    assert "![CC of all rows](which_loss_cc.png)" in page


@pytest.mark.further
def test_findings_of_some_rows_and_of_zero(
    example, known_scores, tmp_path, capsys
):
    (table,) = experiments.read_scores(known_scores).values()
    few = tmp_path / "few.npz"
    experiments.write_scores(few, {"MIT1003": {"MSE": table["MSE"]}})
    with pytest.raises(SystemExit):
        example("findings", "--scores", few)
    assert "lacks 26 rows of table 2, such as EAD" in capsys.readouterr().err
    zero = [
        evaluation.Evaluation(run.names, {**run.scores, "cc": np.zeros(60)})
        for run in table["MSE"]
    ]
    experiments.write_scores(few, {"MIT1003": {**table, "MSE": zero}})
    example("findings", "--scores", few)
    found = json.loads((tmp_path / "findings.json").read_text())
    shares = {f["second"]: f["metrics"]["CC"]["percent"] for f in found}
    assert shares["MSE"] is None and shares["KLD"] is not None
    assert "(\u2013) |" in (tmp_path / "findings.md").read_text()


@pytest.mark.further
def test_which_loss_joins_files(example, known_scores, tmp_path):
    (table,) = experiments.read_scores(known_scores).values()
    few = {row: table[row] for row in ("MSE", "KLD")}
    later = {name: table["KLD"] for name in ("TV", "IG (softmax)")}
    paths = [tmp_path / name for name in ("few.npz", "later.npz")]
    for path, rows in zip(paths, (few, later), strict=True):
        experiments.write_scores(path, {"MIT1003": rows})
    example("which_loss", "--scores", *paths, "--results", tmp_path)
    content = json.loads((tmp_path / "which_loss.json").read_text())
    assert content["source"].startswith(f"{paths[0]} and {paths[1]}, by exam")
    rows = content["sets"]["MIT1003"]["metrics"]["cc"]
    assert {row[0] for row in rows} == {*few, *later}
    page = (tmp_path / "which_loss.md").read_text()
    assert "2 losses of the paper's table 2, and TV and IG (softmax)," in page
    assert "all 42\n  comparisons" in page
    with pytest.raises(ValueError, match="a row MSE"):
        example("which_loss", "--scores", paths[0], known_scores)


def test_what_is_kept_is_of_the_scores_that_are_kept():
    root = Path(__file__).parents[2]
    measured = experiments.read_scores(root / "docs/study/table2.npz")
    later = experiments.read_scores(root / "docs/study/table2_best_later.npz")
    kept = experiments.join_scores([measured, later])
    page = (root / "docs/which_loss.md").read_text(encoding="utf-8")
    table = json.loads((root / "docs/study/table2.json").read_text())
    for dataset, results in kept.items():
        for metric in evaluation.SEVEN:
            sign = 1 if evaluation.METRICS[metric].higher_is_better else -1
            means = {
                row: np.mean([run.means()[metric] for run in runs])
                for row, runs in results.items()
            }
            best = losses.recommended(metric, dataset).rows[0]
            assert best.name == max(means, key=lambda r: sign * means[r])
            assert best.mean == pytest.approx(means[best.name], abs=1e-5)
            assert f"| **{best.name}** | {best.mean:.3f} [" in page
            if dataset == "MIT1003":
                ours = {
                    row: cells[metric]["ours"] for row, cells in table.items()
                }
                of_all_seeds = {
                    row: np.mean([run.means()[metric] for run in runs])
                    for row, runs in measured[dataset].items()
                }
                assert ours == pytest.approx(of_all_seeds)


@pytest.mark.slow
def test_table3_and_figures(
    example, few_images, data, tmp_path, vgg16_weights, capsys
):
    arguments = ("--epochs", "1", "--backbone-weights", vgg16_weights)
    example(
        *("table3", *arguments, "--backbone", "tiny"),
        *("--fine-tune-epochs", "1", "--sets", f"made={data}"),
    )
    printed = capsys.readouterr().out
    assert "made, all images (30)" in printed
    written = tmp_path / "results" / "table3_made_test_part.json"
    assert list(json.loads(written.read_text())) == [
        f"{row}, {what}"
        for what in ("trained on MIT1003", "fine-tuned")
        for row in ("W-MSE", "LC 1", "LC 2")
    ]
    example("figures", *arguments, "--count", 1)
    for number in (2, 3):
        path = tmp_path / "results" / f"figure{number}.png"
        assert path.stat().st_size > 10_000
    with pytest.raises(SystemExit):
        example("figures", "--images", "nobody.png")
    assert "'nobody.png'] are not in the test part" in capsys.readouterr().err


@pytest.mark.slow
def test_choose_recipe_measures_the_validation_part(
    example, few_images, tmp_path, capsys
):
    arguments = ("--rows", "MSE", "--epochs", "1", "2", "--learning-rates")
    example("choose_recipe", *arguments, "1e-3")
    assert capsys.readouterr().out.count("generated_mse_seed0\n") == 2
    written = json.loads(
        (tmp_path / "results/choose_recipe_mse.json").read_text()
    )
    first, second = (cells["kl"] for cells in written.values())
    assert first["ours"] != second["ours"]
    assert {first["ours_rank"], second["ours_rank"]} == {1, 2}
    example("choose_recipe", *arguments, "1e-3")
    assert "generated_" not in capsys.readouterr().out


@pytest.mark.slow
def test_best_trains_on_other_data_first_and_more_layers(
    example, few_images, tmp_path, capsys
):
    train = experiments.command_line.load_parts(None)["train"]
    other = train.subset(slice(0, 6))
    datasets.to_compact(other, tmp_path / "other", progress=False)
    steps = ("other data first", "other weights of the terms")
    example(
        *("best", "--extra", "Other=other", "--epochs", "1"),
        *("--tuned-layers", "conv4", "--steps", *steps),
    )
    written = json.loads((tmp_path / "results/best.json").read_text())
    assert tuple(written) == steps
    assert len({cells["cc"]["ours"] for cells in written.values()}) == 2
    # The other data is trained on once, though both steps start from it.
    printed = capsys.readouterr().out
    assert printed.count("other_kld_cc_nss_r_seed0\n") == 1
    (after,) = (
        tmp_path / "results/best/other_weights_of_the_terms/runs"
    ).iterdir()
    settings = json.loads((after / "run.json").read_text())["settings"]
    assert settings["loss"] == "5 KLD + 5 CC + NSS"
    assert settings["model"] == {"tuned_layers": ["conv4"]}
    assert settings["start"]["images"] == 6
