"""The study's pages: as committed, and in a browser."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import chromium
import pytest
import running

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def study_pages():
    return running.load(ROOT / "tools" / "study_pages.py")


@pytest.fixture(scope="module")
def pages(study_pages):
    return {path.name: text for path, text in study_pages.pages().items()}


def test_the_committed_pages_are_what_the_tool_writes(study_pages, pages):
    for name, text in pages.items():
        committed = (study_pages.STUDY / name).read_text("utf-8")
        assert committed == text, f"{name}: run tools/study_pages.py"


def test_every_number_is_on_the_page_of_losses(study_pages, pages):
    page = pages["which_loss.html"]
    sets = json.loads(study_pages.LOSSES.read_text("utf-8"))["sets"]
    sections = re.split(r'<section data-set="([^"]+)">', page)[1:]
    assert sections[::2] == list(sets)
    for name, section in zip(sections[::2], sections[1::2], strict=True):
        cells = re.findall(
            r'<td data-value="([-.\d]+)"( class="alike")?', section
        )
        metrics = sets[name]["metrics"]
        losses = len(metrics["cc"])
        assert len(cells) == losses * (len(metrics) + 1)
        for i, rows in enumerate(metrics.values()):
            column = cells[i :: len(metrics) + 1]
            found = sorted(float(value) for value, _ in column)
            assert found == sorted(row[1] for row in rows)
            alike = sum(bool(mark) for _, mark in column)
            assert alike == sum(row[-1] >= 0.05 for row in rows)


def test_every_published_system_is_on_the_page(study_pages, pages):
    page = pages["systems.html"]
    manifest = json.loads(study_pages.MANIFEST.read_text("utf-8"))
    for name, entry in manifest.items():
        assert f"{name} (published)</th>" in page
        assert f'data-value="{entry["metrics"]["cc"][0]}"' in page
    assert all(f"{name} (table 1)</th>" in page for name in study_pages.TABLE1)


def test_the_pages_run_one_script_and_ask_nobody(pages):
    for page in pages.values():
        (script,) = re.findall(r"<script[^>]*>(.*?)</script>", page, re.S)
        digest = hashlib.sha256(script.encode()).digest()
        assert (
            f"script-src 'sha256-{base64.b64encode(digest).decode()}'" in page
        )
        assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)


HARNESS = """<!doctype html>
<iframe id="page" src="/which_loss.html" width="900" height="900"></iframe>
<script type="module">
const frame = document.getElementById("page");
await new Promise((done) => { frame.addEventListener("load", done); });
const page = frame.contentDocument;
const all = (query) => [...page.querySelectorAll(query)];
function seen() {
  const rows = all("section:not([hidden]) tbody tr:not([hidden]) th");
  return [page.getElementById("status").textContent,
          rows.map((row) => row.textContent)];
}
const found = [seen()];
all("input[name=set]")[1].click();
all("section:not([hidden]) thead button")[6].click();
found.push(seen());
all("section:not([hidden]) thead button")[6].click();
found.push(seen());
page.getElementById("only").click();
found.push(seen());
await fetch("/found", { method: "POST", body: JSON.stringify(found) });
</script>
"""


@pytest.mark.slow
def test_tables_are_sorted_and_chosen_in_a_browser(study_pages):
    files = {"/test": ("text/html; charset=utf-8", HARNESS.encode())}
    with chromium.visiting(study_pages.STUDY, files, "/test") as posted:
        _, content = posted()
    sets = json.loads(study_pages.LOSSES.read_text("utf-8"))["sets"]
    cc, emd = sets["MIT1003"]["metrics"]["cc"], sets["OSIE"]["metrics"]["emd"]
    best = [row[0] for row in emd]
    alike = [row[0] for row in emd if row[-1] >= 0.05]
    first, chosen, reversed_, only = json.loads(content)
    assert first[0].startswith(f"MIT1003: {len(cc)} rows by CC")
    assert first[1] == [row[0] for row in cc]
    assert chosen == [
        f"OSIE: {len(emd)} rows by EMD, from the lowest.",
        best,
    ]
    assert reversed_[1] == best[::-1]
    assert only[1] == alike[::-1]


@pytest.mark.slow
def test_one_command_writes_the_study_from_what_is_stored(tmp_path):
    parts = ("docs", "examples", "tools", "keras_saliency")
    for part in parts:
        shutil.copytree(ROOT / part, tmp_path / part)
    written = [
        "docs/which_loss.md",
        "docs/study/findings.md",
        "docs/study/findings.json",
        "docs/study/table2.md",
        "docs/study/table2.json",
        "docs/study/which_loss.html",
        "docs/study/systems.html",
        "keras_saliency/losses/recommended.json",
    ]
    for name in written[:-1]:
        (tmp_path / name).unlink()
    numbers = tmp_path / written[-1]
    numbers.write_text(numbers.read_text().replace("0", "1"))
    subprocess.run(
        [sys.executable, tmp_path / "tools" / "study.py"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=True,
        timeout=500,
    )
    for name in written:
        assert (tmp_path / name).read_text() == (ROOT / name).read_text(), name
