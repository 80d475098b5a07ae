"""The HTML report: what it holds; names in it are no markup."""

import base64
import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from keras_saliency.datasets import SaliencyDataset, generate
from keras_saliency.evaluation import Evaluation, compare, report
from keras_saliency.evaluation._statistics import holm

HOSTILE = "<script>alert('1')</script>\" onload=\"x'&amp;\udcff"
VOID = {"meta", "br", "img"}


class Page(HTMLParser):
    """Elements, their attributes and all text of a page."""

    def __init__(self, path):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


def results(names, seed=0):
    rng = np.random.default_rng(seed)
    good = rng.random(len(names))
    return (
        Evaluation(names, {"cc": good, "kl": 1 - good}),
        Evaluation(names, {"cc": good / 2, "kl": 1.2 - good}),
    )


def written(path, *args, **options):
    report(*args, path, resamples=99, **options)
    return Page(path)


def test_tables_hold_the_numbers(tmp_path):
    first, second = results([f"image {i}" for i in range(12)])
    page = written(tmp_path / "r.html", {"A": first, "B": second}, title="T")
    assert "T" in page.texts and page.texts.count("A") > 2
    low, high = first.intervals(resamples=99)["cc"]
    assert f"{first.means()['cc']:.4f}" in page.text
    assert f"{low:.4f} .. {high:.4f}" in page.text
    rows = compare(first, second, resamples=99).rows
    corrected = holm({name: row.p_value for name, row in rows.items()})
    for name, row in rows.items():
        line = f"{row.difference:+.4f} {row.low:+.4f} .. {row.high:+.4f}"
        assert f"{line} {row.p_value:.4f} {corrected[name]:.4f}" in page.text
    best = first.names[np.argmax(first.scores["cc"])]
    assert page.text.index("Best CC of A") < page.text.index(best)
    assert "3 most above" not in page.text and "B most above A" in page.text
    # All bars of a histogram together are the images.
    assert len(page.all("svg")) == 2 + 2


def test_a_hostile_name_is_text(tmp_path):
    names = [HOSTILE, "b", "c"]
    found = {HOSTILE: results(names)[0], "B": results(names)[1]}
    made = generate(3, (24, 32))
    dataset = SaliencyDataset(
        "made",
        [made.image(i) for i in range(3)],
        names=names,
        densities=[made.density(i) for i in range(3)],
    )
    page = written(
        tmp_path / "r.html",
        found,
        title=HOSTILE,
        dataset=dataset,
        options={HOSTILE: HOSTILE},
    )
    kinds = {tag for tag, _ in page.tags}
    assert "script" not in kinds
    seen = HOSTILE.replace("\udcff", "?")
    assert page.texts.count(seen) > 5
    assert any(attrs["alt"] == f"Image {seen}" for attrs in page.all("img"))
    attributes = {name for _, attrs in page.tags for name in attrs}
    assert not [name for name in attributes if name.startswith("on")]
    # Nothing is fetched from anywhere.
    style = page.texts[page.texts.index(seen) + 2]
    assert "url(" not in style and "@import" not in style
    for _, attrs in page.tags:
        for name in ("src", "href", "srcset", "data", "action"):
            assert attrs.get(name, "#")[:5] in ("data:", "#", *SECTIONS)


SECTIONS = [f"#s{i}" for i in range(9)]


def test_images_with_their_maps(tmp_path):
    dataset = generate(6, (48, 64), seed=1)
    good = {n: dataset.true_density(i) for i, n in enumerate(dataset.names)}
    values = np.arange(6.0)
    found = Evaluation(dataset.names, {"kl": values, "cc": values[::-1]})
    page = written(
        tmp_path / "r.html",
        found,
        dataset=dataset,
        predictions=good,
        examples=1,
    )
    # KL: the lower the better.
    best, worst = dataset.names[0], dataset.names[5]
    said = [attrs["alt"] for attrs in page.all("img")]
    kinds = ["Image {}", "Fixations on {}", "Density map of {}"]
    kinds.append("Map of result on {}")
    assert said == [kind.format(n) for n in (best, worst) for kind in kinds]
    for attrs in page.all("img"):
        kind, content = attrs["src"].split(",")
        assert kind == "data:image/jpeg;base64"
        data = np.frombuffer(base64.b64decode(content), np.uint8)
        assert cv2.imdecode(data, cv2.IMREAD_COLOR).shape == (48, 64, 3)
    page = written(tmp_path / "r.html", found, by="cc", examples=2)
    assert not page.all("img")
    heading = page.text.index("Best CC")
    assert page.text.index(best, heading) < page.text.index("Worst CC")


def test_values_to_save(tmp_path):
    found, _ = results(["a, 1", "b"])
    page = written(tmp_path / "r.html", found)
    (link,) = (attrs for attrs in page.all("a") if "download" in attrs)
    content = base64.b64decode(link["href"].split(",")[1])
    (tmp_path / link["download"]).write_bytes(content)
    again = Evaluation.load(tmp_path / link["download"])
    assert again.names == found.names
    np.testing.assert_array_equal(again.scores["kl"], found.scores["kl"])


@pytest.mark.parametrize(
    "values", [[np.nan, np.nan], [np.inf, 0.5], [0.5, 0.5], [0.5]]
)
def test_values_that_have_no_interval(tmp_path, values):
    names = [str(i) for i in range(len(values))]
    found = Evaluation(names, {"cc": values, "new": values})
    known = np.isfinite(values).all()
    both = {"A": found, "B": found} if known else found
    page = written(tmp_path / "r.html", both)
    assert "Traceback" not in page.text and "new" in page.text
    numbers = [v for _, attrs in page.tags for v in attrs.values()]
    assert not [v for v in numbers if v and re.search(r"\b(nan|inf)\b", v)]


def test_what_does_not_fit_is_an_error(tmp_path):
    first, second = results(["a", "b"])
    other, _ = results(["a", "c"])
    path = tmp_path / "r.html"
    dataset = generate(2, (24, 32))
    for wrong, message in (
        (lambda: report({}, path), "at least one"),
        (lambda: report({"A": first, "B": other}, path), "same images"),
        (lambda: report(first, path, by="nss"), "by must be"),
        (lambda: report(first, path, predictions={}), "give dataset="),
        (lambda: report(first, path, dataset=dataset), "no image 'a'"),
        (lambda: report(first, path, examples=0), "examples"),
        (
            lambda: report(
                {"A": first, "B": second},
                path,
                dataset=dataset,
                predictions={"C": "maps/"},
            ),
            "no result 'C'",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            wrong()
    assert not path.exists()


def test_a_comparison_without_an_interval_hides_no_other(tmp_path):
    names = [f"image {i}" for i in range(6)]
    first, second = results(names)
    once = Evaluation(names, {"cc": [0.5, *[np.nan] * 5], "kl": [1.0] * 6})
    few = written(tmp_path / "few.html", {"x": first, "z": second})
    for rows in (
        {"x": first, "y": once, "z": second},
        {"x": first, "z": second, "y": once},
    ):
        page = written(tmp_path / "r.html", rows)
        # Two more histograms' worth of bars belong to y; its CC has no mark.
        assert len(page.all("svg")) == len(few.all("svg")) + 1
