"""The paper's tables, and ours beside them."""

import csv
import json

import numpy as np
import pytest

from keras_saliency import evaluation, experiments, losses

IMAGES = [f"{i:03d}" for i in range(50)]


def result(cc, kl=1.0, seed=0):
    noise = 0.01 * np.random.default_rng(seed).standard_normal(50)
    return evaluation.Evaluation(IMAGES, {"cc": cc + noise, "kl": kl + noise})


@pytest.fixture
def table():
    return experiments.Table(
        "table2",
        {
            "MSE": [result(0.5, 3), result(0.6, 3, seed=1)],
            "CC": [result(0.7, 2), result(0.7, 2, seed=1)],
            "mine": [result(0.1, 1), result(0.1, 1, seed=1)],
        },
    )


def test_the_papers_tables_are_whole():
    rows = experiments.TABLES["table2"]["rows"]
    assert [row["name"] for row in rows] == [row.name for row in losses.TABLE2]
    seven = list(evaluation.SEVEN)
    assert experiments.printed_metrics("table2") == seven
    for name in ("table1", "table3", "table4"):
        assert experiments.printed_metrics(name) == seven[:5]
    assert experiments.printed_row("table2", "MSE")["CC"] == 0.6388
    with pytest.raises(KeyError, match="table2 has no row 'mine'"):
        experiments.printed_row("table2", "mine")


def test_a_table_ranks_ours_and_the_papers(table):
    assert table.metrics == ["cc", "kl"]
    cells = {row: cells["cc"] for row, cells in table.rows.items()}
    assert [cells[row]["ours_rank"] for row in cells] == [2, 1, 3]
    # Lower is better.
    assert [c["kl"]["ours_rank"] for c in table.rows.values()] == [3, 2, 1]
    assert cells["MSE"]["paper"] == 0.6388
    assert cells["mine"]["paper"] is None
    assert cells["mine"]["paper_rank"] is None
    assert {cells["MSE"]["paper_rank"], cells["CC"]["paper_rank"]} == {1, 2}
    assert table.rows["MSE"]["nss"] is None
    first = cells["MSE"]
    assert first["seeds"] == pytest.approx([0.5, 0.6], abs=0.01)
    assert first["low"] < first["ours"] < first["high"]
    assert np.mean(first["seeds"]) == pytest.approx(first["ours"])


def test_a_table_is_printed_and_written(table, tmp_path):
    lines = str(table).splitlines()
    assert lines[0].split() == ["CC", "KL"]
    assert lines[2].startswith("CC") and "***" in lines[2]
    assert "/ 0.6388" in lines[1]
    table.write(tmp_path)
    table.write(tmp_path, "again")
    written = json.loads((tmp_path / "table2.json").read_text())
    assert written == table.rows
    with open(tmp_path / "table2_again.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 2
    assert float(rows[0]["ours"]) == table.rows["MSE"]["cc"]["ours"]
    header, rule, first, *_ = (tmp_path / "table2.md").read_text().splitlines()
    assert header == "|  | CC | KL |" and rule == "|---|---|---|"
    assert r"\*\*" in first and first.count("|") == 4


def test_a_data_set_has_rows_of_its_own():
    results = {"W-MSE": [result(0.5)]}
    for name, paper in (("CAT2000", 0.508), ("OSIE", None)):
        table = experiments.Table("table3", results, name)
        assert table.name == f"table3_{name}"
        assert table.rows["W-MSE"]["cc"]["paper"] == paper


def test_interval_covers_images_and_seeds():
    rng = np.random.default_rng(0)
    alike = np.tile(rng.standard_normal(100), (3, 1))
    low, high = experiments.interval(alike)
    # Three equal seeds tell as much as one: 1.96 / sqrt(100).
    assert high - low == pytest.approx(2 * 0.196, rel=0.2)
    apart = alike + np.array([[-1.0], [0.0], [1.0]])
    wider = experiments.interval(apart)
    assert wider[1] - wider[0] > 2 * (high - low)


def test_interval_is_of_the_mean():
    values = np.array([[1.0, 2.0, np.nan, 3.0]])
    low, high = experiments.interval(values)
    assert 1 <= low <= 2 <= high <= 3


def test_interval_as_published():
    """The numbers of docs/study/ depend on the draws."""
    values = np.random.default_rng(0).random((2, 20))
    wanted = (0.4108934638086088, 0.651579901555768)
    assert experiments.interval(values) == wanted


def test_a_row_without_a_value_has_no_rank(tmp_path):
    empty = evaluation.Evaluation(
        IMAGES, {"cc": np.full(50, np.nan), "kl": np.ones(50)}
    )
    table = experiments.Table("mine", {"a": [result(0.5)], "b": [empty]})
    cell = table.rows["b"]["cc"]
    assert cell["ours"] is None and cell["ours_rank"] is None
    assert table.rows["a"]["cc"]["ours_rank"] == 1
    assert [line[1] for line in table.lines()][2] == "\u2013"
    table.write(tmp_path)
    rows = json.loads((tmp_path / "mine.json").read_text())
    assert rows["b"]["cc"]["ours"] is None


def test_rows_of_other_images_or_metrics_are_refused():
    part = evaluation.Evaluation(IMAGES[:2], {"cc": [1, 1], "kl": [1, 1]})
    with pytest.raises(ValueError, match="mine: rows need the same images"):
        experiments.Table("mine", {"all": [result(0.5)], "easy two": [part]})
    part = evaluation.Evaluation(IMAGES, {"cc": np.ones(50)})
    with pytest.raises(ValueError, match="mine: rows need the same metrics"):
        experiments.Table("mine", {"a": [result(0.5)], "b": [part]})
    with pytest.raises(ValueError, match="mine has no rows"):
        experiments.Table("mine", {})
