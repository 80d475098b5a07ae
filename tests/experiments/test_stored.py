"""Values per image of a whole table in one file."""

import numpy as np
import pytest

from keras_saliency import evaluation, experiments


def results(images, seeds=2):
    rng = np.random.default_rng(0)
    return {
        row: [
            evaluation.Evaluation(
                images, {m: rng.random(len(images)) for m in ("cc", "kl")}
            )
            for _ in range(seeds)
        ]
        for row in ("MSE", "KLD + CC")
    }


def test_scores_are_read_as_written(tmp_path):
    written = {"A": results(["1", "2"]), "of/B": results(["x"], seeds=1)}
    experiments.write_scores(tmp_path / "scores.npz", written)
    read = experiments.read_scores(tmp_path / "scores.npz")
    assert list(read) == ["A", "of/B"]
    for name, table in written.items():
        assert list(read[name]) == list(table)
        for row, runs in table.items():
            assert len(read[name][row]) == len(runs)
            for one, other in zip(read[name][row], runs, strict=True):
                assert one.names == other.names
                assert list(one.scores) == ["cc", "kl"]
                for metric, values in other.scores.items():
                    wanted = values.astype(np.float32)
                    np.testing.assert_array_equal(one.scores[metric], wanted)


def test_tables_that_do_not_fit_are_refused(tmp_path):
    path = tmp_path / "scores.npz"
    other = results(["1", "2"])
    other["MSE"] = other["MSE"][:1]
    with pytest.raises(ValueError, match="^A: rows need as many seeds"):
        experiments.write_scores(path, {"A": other})
    other = results(["1", "2"])
    other["MSE"] = results(["1", "3"])["MSE"]
    with pytest.raises(ValueError, match="^A: rows need the same images"):
        experiments.write_scores(path, {"A": other})
    fewer = {"B": {"MSE": results(["1"])["MSE"]}, "A": results(["1", "2"])}
    with pytest.raises(ValueError, match="^A: .* the same rows and metrics"):
        experiments.write_scores(path, fewer)
    for nothing in ({}, {"A": {}}, {"A": {"MSE": []}}):
        with pytest.raises(ValueError, match="no res|no rows"):
            experiments.write_scores(path, nothing)
    with pytest.raises(ValueError, match=r"must be \.npz"):
        experiments.write_scores(tmp_path / "scores", {"A": results(["1"])})
    assert not list(tmp_path.iterdir())


def test_images_in_another_order_are_brought_into_one(tmp_path):
    table = results(["1", "2", "3"])
    turned = dict(table)
    for row in ("KLD + CC",):
        turned[row] = [
            evaluation.Evaluation(
                run.names[::-1], {m: v[::-1] for m, v in run.scores.items()}
            )
            for run in table[row]
        ]
    for name, given in (("a.npz", table), ("b.npz", turned)):
        experiments.write_scores(tmp_path / name, {"A": given})
    first, second = (
        experiments.read_scores(tmp_path / name)["A"]
        for name in ("a.npz", "b.npz")
    )
    for row, runs in first.items():
        for one, other in zip(runs, second[row], strict=True):
            assert one.names == other.names
            np.testing.assert_array_equal(one.scores["cc"], other.scores["cc"])


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "scores.npz"
    with pytest.raises(FileNotFoundError):
        experiments.read_scores(path)
    for content in (b"", b"text", b"PK\x03\x04 cut"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"scores\.npz is damaged"):
            experiments.read_scores(path)
    np.savez(path, a=np.zeros(3))
    with pytest.raises(ValueError, match=r"scores\.npz is damaged"):
        experiments.read_scores(path)


def test_rows_of_several_files_are_joined():
    first = {"A": results(["1", "2"]), "B": results(["x"], seeds=1)}
    other = {
        name: {"TV": table["MSE"], "IG": table["MSE"]}
        for name, table in first.items()
    }
    joined = experiments.join_scores([first, other])
    assert {name: list(table) for name, table in joined.items()} == {
        name: ["MSE", "KLD + CC", "TV", "IG"] for name in first
    }
    assert joined["A"]["TV"] == first["A"]["MSE"]
    assert experiments.join_scores([first]) == first
    # The seeds that all have count.
    fewer = {name: {"TV": table["MSE"][:1]} for name, table in first.items()}
    joined = experiments.join_scores([first, fewer])
    assert [len(runs) for runs in joined["A"].values()] == [1, 1, 1]
    assert joined["A"]["MSE"] == first["A"]["MSE"][:1]


def test_files_of_scores_that_do_not_fit_are_not_joined():
    first = {"A": results(["1", "2"])}
    with pytest.raises(ValueError, match="one has A, another B"):
        experiments.join_scores([first, {"B": first["A"]}])
    with pytest.raises(ValueError, match="Two files .* a row MSE"):
        experiments.join_scores([first, first])
    other = {"A": {"TV": results(["1", "3"])["MSE"]}}
    with pytest.raises(ValueError, match="A: rows need the same images"):
        experiments.join_scores([first, other])
    with pytest.raises(ValueError, match="no files"):
        experiments.join_scores([])
