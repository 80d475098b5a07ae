"""What is damaged in a file of `evaluate(resume=)` costs that image alone."""

import json
import os
import warnings

import numpy as np
import pytest

from keras_saliency import evaluation
from keras_saliency.datasets import generate
from keras_saliency.evaluation import journal as module
from keras_saliency.evaluation.journal import Journal

GOOD = [
    ("a", {"cc": 0.1, "nss": float("nan")}),
    ("b", {"cc": float("inf"), "nss": -1e-300}),
    ("c", {"cc": 0.3, "nss": 2.0}),
]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "scores.jsonl"
    write(path)
    return path


def write(path):
    with Journal(path) as journal:
        for key, row in GOOD:
            journal.add(key, f"image {key}", row)


def read(path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return Journal(path).rows


def same(rows, keys="abc"):
    assert list(rows) == list(keys)
    for key, row in GOOD:
        if key in rows:
            np.testing.assert_equal(rows[key], row)


def test_values_come_back_as_they_were(path):
    same(read(path))
    write(path)
    same(read(path))
    assert len(path.read_bytes().splitlines()) == 6


def test_lines_of_older_versions_are_read(path):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        del line["checksum"]
    old = "".join(json.dumps(line) + "\n" for line in lines)
    path.write_text(old, encoding="utf-8")
    same(read(path))
    path.write_bytes(old.replace("\n", "\r\n").encode())
    same(read(path))


ODD = {
    "other": b'{"key":"a","scores":5}',
    "scores": b'{"key":"a","name":"a","scores":5}',
    "key": b'{"key":["a"],"name":"a","scores":{"cc":1}}',
    "huge": b'{"key":"a","name":"a","scores":{"cc":1' + b"0" * 400 + b"}}",
    "digits": b'{"key":"a","name":"a","scores":{"cc":1' + b"0" * 9000 + b"}}",
    "text": b'{"key":"a","name":"a","scores":{"cc":"1.5"}}',
    "true": b'{"key":"a","name":"a","scores":{"cc":true}}',
    "list": b'{"key":"a","name":"a","scores":{"cc":[1]}}',
    "deep": b"[" * 100_000,
    "deep scores": b'{"key":"a","name":"a","scores":' + b"[" * 100_000,
    "no UTF-8": b"\xff",
    "zeros": bytes(500),
    "number": b"7",
    "empty": b"",
    "long": b"x" * (3 * 2**20),
    "mark": b"\xef\xbb\xbf{}",
}


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_line_is_left_out_and_named(path, odd):
    lines = path.read_bytes().splitlines()
    lines[1:1] = [ODD[odd]]
    path.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.warns(UserWarning, match=r"scores\.jsonl: 1 .*number 2\)"):
        rows = Journal(path).rows
    same(rows)


def test_any_changed_byte_is_noticed(path):
    data = path.read_bytes()
    first = data.index(b"\n")
    for i in range(first):
        for other in (data[i] ^ 1, ord("7")):
            if other in (data[i], ord("\n")):
                continue
            path.write_bytes(data[:i] + bytes([other]) + data[i + 1 :])
            with pytest.warns(UserWarning, match="1 damaged line"):
                same(Journal(path).rows, "bc")


def test_a_line_that_was_cut_off_is_no_damage(path):
    data = path.read_bytes()
    last = data[:-1].rindex(b"\n") + 1
    for end in range(last, len(data)):
        path.write_bytes(data[:end])
        whole = end == len(data) - 1
        same(read(path), "abc" if whole else "ab")
        with Journal(path) as journal:
            journal.add(*GOOD[2][:1], "image c", GOOD[2][1])
        assert read(path).keys() == set("abc")
        assert path.read_bytes() == (data + data[last:] if whole else data)


def test_what_is_no_journal_is_kept(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("my notes, without an end", encoding="utf-8")
    with pytest.warns(UserWarning, match="notes.txt"):
        write(path)
    assert path.read_text().startswith("my notes, without an end\n{")


def test_what_is_no_file(tmp_path):
    with pytest.raises(OSError, match="is no file; resume must"):
        Journal(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="scores could not be written"):
        with Journal(tmp_path / "file" / "scores"):
            pass


def test_a_full_disk_names_the_file(path, monkeypatch):
    def full(file, data):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match=r"scores\.jsonl could not .*No space"):
        with Journal(path) as journal:
            monkeypatch.setattr(module, "write_all", full)
            journal.add("d", "d", {"cc": 1.0})
    same(read(path))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_results_on_a_full_disk_name_the_file():
    result = evaluation.Evaluation(["a"], {"cc": [0.5]})
    for write_to in (result.to_csv, result.to_json):
        with pytest.raises(OSError, match="/dev/full could not be written"):
            write_to("/dev/full")


def test_evaluate_scores_anew_what_is_damaged(tmp_path):
    dataset = generate(3, (24, 32))
    maps = [dataset.true_density(i) for i in range(3)]
    path = tmp_path / "r.jsonl"

    def run():
        return evaluation.evaluate(
            maps, dataset, ["cc"], verbose=0, resume=path
        ).scores["cc"]

    expected = run()
    lines = path.read_bytes().splitlines(keepends=True)
    digit = lines[1].index(b'"cc": 0.') + 8
    changed = bytes([lines[1][digit] ^ 1])
    lines[1] = lines[1][:digit] + changed + lines[1][digit + 1 :]
    # An older version's line, of the right key, that lacks the metric.
    old = json.loads(lines[2])
    del old["checksum"]
    old["scores"] = {}
    lines[2] = json.dumps(old).encode() + b"\n"
    path.write_bytes(b"".join(lines))
    with pytest.warns(UserWarning, match="number 2"):
        np.testing.assert_array_equal(run(), expected)
    assert len(path.read_bytes().splitlines()) == 5
