"""Pages that are one file: tables, small figures, light and dark, printable.

Nothing is fetched, and no script is run but the page's own. Every text that
comes from elsewhere goes through `text`.
"""

import base64
import hashlib
import html
from collections.abc import Sequence
from typing import Any

from keras_saliency._utils.types import Array

# The reader's system chooses light or dark; paper is light.
STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2024;
  --faint: #5b636b; --line: #d8dde2; --shade: #f3f5f7; --mark: #1a5fb4;
  --band: #1a5fb433; --bars: #9fb6cf; }
@media (prefers-color-scheme: dark) { :root { --paper: #15181b; --ink: #e4e7ea;
  --faint: #a3abb3; --line: #363c42; --shade: #1e2226; --mark: #85b8f5;
  --band: #85b8f544; --bars: #4a6280; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem 1rem 4rem;
  background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .3rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .6rem; padding-top: .6rem;
  border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.6rem 0 .5rem; }
h1, h2, h3, tbody th, figcaption { overflow-wrap: anywhere; }
p { max-width: 46rem; margin: .4rem 0 .8rem; }
a { color: var(--mark); }
:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; }
.faint, figcaption, caption, dt { color: var(--faint); }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; padding: 0;
  list-style: none; }
.wide { position: relative; overflow-x: auto; margin: 0 0 1.2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums;
  font-size: .92rem; }
caption { text-align: left; padding-bottom: .4rem;
  max-width: min(46rem, 100vw - 2rem); }
th, td { padding: .35rem .7rem; border-bottom: 1px solid var(--line);
  text-align: right; vertical-align: top; white-space: nowrap; }
th:first-child, td:first-child { padding-left: 0; text-align: left; }
thead th { border-bottom: 2px solid var(--line); vertical-align: bottom;
  white-space: normal; }
tbody th { font-weight: 500; text-align: left; min-width: 6rem;
  white-space: normal; }
td small { color: var(--faint); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.2rem;
  margin: .4rem 0; }
dd { margin: 0; overflow-wrap: anywhere; }
svg { display: block; max-width: 100%; height: auto; }
svg text { fill: var(--ink); font-size: 12px; }
svg .faint { fill: var(--faint); }
svg .bars { fill: var(--bars); }
svg .band { fill: var(--band); }
svg .mark { stroke: var(--mark); stroke-width: 2; fill: none; }
svg circle.mark { fill: var(--mark); stroke: none; }
svg .axis { stroke: var(--faint); }
td svg { margin-top: .2rem; max-width: none; }
.cards { display: grid; gap: 1.2rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); }
.cards > * { margin: 0; padding: .8rem; background: var(--shade);
  border-radius: .5rem; }
.cards h3 { margin: 0 0 .4rem; }
.row { margin: 0 0 1.4rem; break-inside: avoid; }
.row > div { display: grid; gap: .6rem; margin-top: .4rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 9.5rem), 1fr)); }
.row figure { margin: 0; font-size: .85rem; }
.row img { display: block; width: 100%; height: auto; border-radius: .25rem; }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; }
  .row > div { grid-template-columns: 1fr 1fr; } }
@media print { :root { color-scheme: light; --paper: #fff; --ink: #000;
  --faint: #444; --line: #bbb; --shade: #fff; --mark: #1a5fb4;
  --band: #1a5fb433; --bars: #9fb6cf; }
  @page { margin: 12mm; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  table { font-size: 7.5pt; } th, td { padding: .2rem .3rem; }
  nav { display: none; } .wide { overflow: visible; }
  h2, h3 { break-after: avoid; } tr, .cards > * { break-inside: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""


def text(value: Any) -> str:
    """Return a value as text of a page: no character of it is markup."""
    # A file's name may hold bytes that are no text.
    clean = str(value).encode("utf-8", "replace").decode()
    return html.escape(clean)


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, caption: str
) -> str:
    """Return a table whose first column names the rows.

    Args:
        head: Cells of the first line, as HTML.
        rows: Cells of each other line, as HTML.
        caption: What the table shows, as plain text.

    Returns:
        HTML; the table can be scrolled where the page is narrow, also by
        keys.
    """
    first = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    lines = [
        f'<tr><th scope="row">{row[0]}</th>'
        + "".join(f"<td>{cell}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    ]
    return (
        f'<div class="wide" role="region" aria-label="{text(caption)}" '
        f'tabindex="0"><table><caption>{text(caption)}</caption>'
        f"<thead><tr>{first}</tr></thead>"
        "<tbody>\n" + "\n".join(lines) + "\n</tbody></table></div>"
    )


def table_of_text(rows: Sequence[Sequence[str]], *, caption: str) -> str:
    """Return a table of plain text, for a notebook.

    Args:
        rows: The first line, and the others; as many cells each.
        caption: As for `table`.
    """
    head, *others = [[text(cell) for cell in row] for row in rows]
    return table(head, others, caption=caption)


def pairs(content: Sequence[tuple[Any, Any]]) -> str:
    """Return a list of names and values, which may be any objects."""
    return (
        "<dl>"
        + "".join(
            f"<dt>{text(name)}</dt><dd>{text(value)}</dd>"
            for name, value in content
        )
        + "</dl>"
    )


def picture(image: Array, description: Any) -> str:
    """Return an image that stands in the page itself, as JPEG.

    Args:
        image: uint8 array `(height, width, 3)`, RGB.
        description: What it shows, for those who do not see it.
    """
    import cv2

    quality = [cv2.IMWRITE_JPEG_QUALITY, 85]
    _, encoded = cv2.imencode(".jpg", image[..., ::-1], quality)
    height, width = image.shape[:2]
    return (
        f'<img alt="{text(description)}" width="{width}" height="{height}" '
        f'src="{data_url("image/jpeg", encoded.tobytes())}">'
    )


def data_url(kind: str, content: bytes) -> str:
    """Return an address that holds a file's content itself."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def page(title: Any, body: str, *, style: str = "", script: str = "") -> str:
    """Return a whole page.

    Args:
        title: Its title.
        body: The rest of it, as HTML.
        style: Rules beside `STYLE`.
        script: A program, the only one that the page may run.
    """
    allowed = "'none'"
    if script:
        digest = hashlib.sha256(script.encode()).digest()
        allowed = f"'sha256-{base64.b64encode(digest).decode()}'"
        body += f'\n<script type="module">{script}</script>'
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src '
        f"'none'; img-src data:; style-src 'unsafe-inline'; "
        f'script-src {allowed}">\n'
        '<meta name="viewport" content="width=device-width, '
        'initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>{STYLE}{style}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )
