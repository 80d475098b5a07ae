"""Each block of the README and of the site runs as printed, links lead on."""

import re
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import documents
import keras
import pytest
import running
import stand_ins

ROOT = documents.ROOT
PAGES = [
    pytest.param(page, id=documents.named(page))
    for page in documents.pages()
    if documents.blocks(page)
]
BESIDE = [ROOT / "CONTRIBUTING.md", *sorted((ROOT / "weights").glob("*.md"))]
TOCTREE = r"^```{toctree}\n(.*?)^```"
# Pages whose programs need another backend than TensorFlow.
ON_TORCH = "docs/howto/pytorch_loop.md"


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """A reader in an empty folder, whose caches are the test's."""
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("KERAS_SALIENCY_CACHE", str(tmp_path / "cache"))
    # The path of a socket is short.
    with tempfile.TemporaryDirectory() as shims:
        made = documents.Reader(folder, Path(shims))
        yield made
        made.close()
    keras.mixed_precision.set_global_policy("float32")
    keras.backend.clear_session()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("page", PAGES)
def test_page(page, reader, monkeypatch):
    name = documents.named(page)
    if (name == ON_TORCH) != (keras.backend.backend() == "torch"):
        pytest.skip("runs on another backend")
    stand_ins.prepare(name, reader, monkeypatch)
    for block in documents.blocks(page):
        if block.language in ("python", "sh"):
            reader.read(block)


def test_blocks_say_what_they_are():
    # Another name of a language would hide a block from the test above.
    for page in documents.pages():
        for block in documents.blocks(page):
            where = f"{documents.named(page)}:{block.line}"
            assert block.language in ("python", "sh", "text"), where


def test_links_lead_somewhere():
    for page in [*documents.pages(), *BESIDE]:
        for link in documents.links(page):
            where = f"{documents.named(page)}: {link}"
            address, _, anchor = link.partition("#")
            if "://" in link:
                split = urlsplit(link)
                assert split.scheme in ("http", "https"), where
                assert re.fullmatch(r"[a-z0-9.-]+\.[a-z]+", split.netloc), where
                continue
            target = (page.parent / address) if address else page
            if "generated" in target.parts:
                assert anchor == "" and written_by_the_build(target), where
                continue
            assert target.exists(), where
            if anchor:
                assert anchor in documents.anchors(target), where


def written_by_the_build(path):
    """Whether `tools/reference_pages.py` or `docs/conf.py` writes a page."""
    name = path.resolve().relative_to(ROOT / "docs/generated").as_posix()
    source = "".join(
        (ROOT / file).read_text(encoding="utf-8")
        for file in ("tools/reference_pages.py", "docs/conf.py")
    )
    return f'"{Path(name).name.removesuffix(".md")}' in source


def test_every_page_is_in_the_contents():
    listed = set()
    for page in documents.pages():
        text = page.read_text(encoding="utf-8")
        for entries in re.findall(
            r"^```{toctree}\n(.*?)^```", text, re.M | re.S
        ):
            for entry in entries.split():
                if not entry.startswith(":"):
                    listed.add((page.parent / f"{entry}.md").resolve())
    apart = {ROOT / "README.md", documents.DOCS / "index.md"}
    for page in set(documents.pages()) - apart:
        # The list of the study's files has its tables.
        assert page in listed or page.parent.name == "study", page


def test_published_readme_has_no_link_into_the_checkout():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    setup = running.load(ROOT / "setup.py")
    plain = setup.published(text, None)
    assert "](" not in re.sub(r"\]\(https://[^)]*\)", "", plain)
    assert "[Losses]" not in plain and "Losses" in plain
    there = setup.published(text, "https://example.org/repository")
    for link in re.findall(r"\]\(([^)]*)\)", there):
        assert link.startswith("https://"), link
