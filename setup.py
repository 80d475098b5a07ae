"""The metadata is in setup.cfg, but for the description, which is the README.

Where the package is published the files beside the README are not there.
"""

import configparser
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent
LINK = re.compile(r"(!?)\[([^]]*)\]\(([^)\s]+)\)")


def published(text, address):
    """Return the README with links that lead somewhere from anywhere.

    Args:
        text: The README.
        address: That of the repository, `url` in setup.cfg, or `None` where it
            has none: links into the checkout are then plain text, and images
            are left out.
    """

    def link(match):
        image, words, target = match.groups()
        if "://" in target:
            return match[0]
        if address is None:
            return "" if image else words
        return (
            f"{image}[{words}]({address}/raw/main/{target})"
            if image
            else (f"[{words}]({address}/blob/main/{target})")
        )

    return LINK.sub(link, text)


def main():
    """Set up the package."""
    from setuptools import setup

    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    setup(
        long_description=published(
            (ROOT / "README.md").read_text(encoding="utf-8"),
            config["metadata"].get("url"),
        ),
        long_description_content_type="text/markdown",
    )


if __name__ == "__main__":
    main()
