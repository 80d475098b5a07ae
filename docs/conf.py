"""How Sphinx builds the site: `sphinx-build -W -b html docs OUT`.

Needs the extra `docs` and a backend. Nothing is downloaded, and no data set is
read.
"""

import os
import re
import shutil
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent / "tools"))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import docstrings  # noqa: E402
import reference_pages  # noqa: E402
from sphinx.ext import autosummary  # noqa: E402

from keras_saliency import __version__  # noqa: E402

project = "keras_saliency"
author = "The keras_saliency developers"
copyright = author
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "demo"]
# What is missing is an error, as every warning is (-W).
nitpicky = False
suppress_warnings = ["config.cache"]

myst_heading_anchors = 4
myst_enable_extensions = ["dollarmath"]

autosummary_generate = False
# A summary is a docstring's first sentence, which "eq. 5" does not end.
autosummary.WELL_KNOWN_ABBREVIATIONS += ("eq.", "eqs.")
autodoc_member_order = "bysource"
# Types stand in the docstrings, in words.
autodoc_typehints = "none"
autodoc_preserve_defaults = True
autodoc_class_signature = "mixed"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = [
    ("Call arguments", "params_style"),
    "Input shape",
    "Output shape",
]
# `name` in a docstring leads to its entry where there is one.
default_role = "py:obj"
add_module_names = False
toc_object_entries_show_parents = "hide"
python_use_unqualified_type_names = True

html_theme = "pydata_sphinx_theme"
html_title = f"{project} {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": project},
    "navbar_align": "left",
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
}
html_sidebars = {"index": []}
copybutton_exclude = ".linenos, .gp, .go"

# Pages outside of the folder, by where the site has them.
OUTSIDE = {
    "../weights/": "generated/weights/",
    "../CONTRIBUTING.md": "generated/contributing.md",
    "../CHANGELOG.md": "generated/changelog.md",
}


def write_pages(app):
    """Write the pages that are made from the package and the checkout."""
    folder = DOCS / "generated"
    reference_pages.write(folder)
    for name in ("CONTRIBUTING.md", "CHANGELOG.md"):
        text = (DOCS.parent / name).read_text("utf-8")
        text = text.replace("](docs/", "](../")
        reference_pages.write_page(folder / name.lower(), text)


def adapt(app, name, content):
    """Let links to files beside the folder lead to their pages.

    The study's tables, which scripts write, get a title.
    """
    up = "../" * name.count("/")
    if name.startswith("study/") and not content[0].startswith("# "):
        content[0] = f"# {reference_pages.titled(name)}\n\n{content[0]}"
    for outside, inside in OUTSIDE.items():
        content[0] = content[0].replace(f"]({up}{outside}", f"]({up}{inside}")
    # A page of the demo is no download.
    content[0] = re.sub(
        r"\[([^]]*)\]\((demo/[^)]*)\)", r'<a href="\2">\1</a>', content[0]
    )


def convert(app, what, name, obj, options, lines):
    """Convert a docstring in place."""
    lines[:] = docstrings.converted(lines)


def skip(app, what, name, obj, skip, options):
    """Leave out the fields of named tuples, which the class tells of."""
    doc = getattr(obj, "__doc__", None) or ""
    return True if doc.startswith("Alias for field number") else None


def copy_demo(app, error):
    """Copy the demo, which is a site of its own, as it is."""
    demo = DOCS / "demo"
    if error is None and app.builder.format == "html" and demo.is_dir():
        shutil.copytree(demo, Path(app.outdir) / "demo", dirs_exist_ok=True)


def setup(app):
    """Connect the above with the build."""
    app.connect("builder-inited", write_pages)
    app.connect("source-read", adapt)
    # Before Napoleon, which has the usual priority of 500.
    app.connect("autodoc-process-docstring", convert, priority=400)
    app.connect("autodoc-skip-member", skip)
    app.connect("build-finished", copy_demo)
