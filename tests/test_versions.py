"""The version stands the same wherever it is written."""

import re
import subprocess
from pathlib import Path

import pytest

import keras_saliency

ROOT = Path(__file__).resolve().parents[1]


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_citation_names_this_version():
    (version,) = re.findall(r"^version: (\S+)$", text_of("CITATION.cff"), re.M)
    assert version == keras_saliency.__version__


def test_changelog_begins_with_this_version():
    first = re.search(r"^## (\S+)", text_of("CHANGELOG.md"), re.M)
    assert first[1] == keras_saliency.__version__


def test_tag_of_this_commit_names_this_version():
    found = subprocess.run(
        ["git", "tag", "--points-at", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    tags = [tag for tag in found.stdout.split() if tag.startswith("v")]
    if found.returncode or not tags:
        pytest.skip("no commit with the tag of a version")
    assert tags == [f"v{keras_saliency.__version__}"]


def test_hooks_run_the_ruff_that_ci_runs():
    (revision,) = re.findall(
        r"rev: v(\d+\.\d+)\.", text_of(".pre-commit-config.yaml")
    )
    assert f"ruff>={revision}," in text_of("setup.cfg")
