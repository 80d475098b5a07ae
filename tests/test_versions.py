"""The version stands the same wherever it is written."""

import configparser
import importlib.metadata
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import keras_saliency
from keras_saliency.weights.files import DATA_PACKAGE

ROOT = Path(__file__).resolve().parents[1]


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_citation_names_this_version():
    (version,) = re.findall(r"^version: (\S+)$", text_of("CITATION.cff"), re.M)
    assert version == keras_saliency.__version__


def test_the_data_package_has_this_version():
    project = tomllib.loads(text_of("weights/pyproject.toml"))["project"]
    assert project["version"] == keras_saliency.__version__
    assert project["name"] == DATA_PACKAGE


def bounds():
    """Each package that setup.cfg asks for, but for development: its bounds.

    What builds the site is of development too.
    """
    config = configparser.ConfigParser()
    config.read_string(text_of("setup.cfg"))
    lists = dict(config["options.extras_require"])
    lists["install_requires"] = config["options"]["install_requires"]
    del lists["dev"], lists["docs"]
    for line in "\n".join(lists.values()).split():
        if not line.startswith("keras_saliency["):
            yield re.fullmatch(
                r"([\w-]+)(?:\[[\w-]+\])?>=([\d.]+)(?:,!=[\d.*]+)?,<([\d.]+)",
                line,
            ).groups()


def test_every_requirement_has_bounds_that_ci_holds():
    lines = text_of(".ci/lowest.txt").splitlines()
    lowest = dict(line.split("==") for line in lines if line[0] != "#")
    found = {name: lower for name, lower, _ in bounds()}
    assert set(lowest) == set(found)
    for name, version in lowest.items():
        assert f"{version}.".startswith(f"{found[name]}."), name


def test_what_is_installed_is_within_the_bounds():
    limits = {}
    for name, _, upper in bounds():
        limit = [int(part) for part in upper.split(".")]
        # An extra may bound what the package itself takes in newer versions.
        limits[name] = max(limit, limits.get(name, limit))
    for name, limit in limits.items():
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        parts = [int(part) for part in re.findall(r"\d+", version)[:3]]
        assert parts < limit, f"{name} {version} is not below {limit}"


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
