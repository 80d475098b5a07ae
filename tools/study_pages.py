"""Write the page of the study that is made to be looked at.

    python tools/study_pages.py

`docs/study/which_loss.html`: every loss by every metric on every data set, from
the package's `losses/recommended.json`, which `examples/which_loss.py` writes.
It is one file that needs no server.
"""

import argparse
import json
import sys
from pathlib import Path

from keras_saliency._utils import html
from keras_saliency._utils.atomic import write_text
from keras_saliency._utils.html import text

ROOT = Path(__file__).resolve().parents[1]
STUDY = ROOT / "docs" / "study"
LOSSES = ROOT / "keras_saliency" / "losses" / "recommended.json"
# By examples/loss_maps.py.
MAPS = ROOT / "docs" / "images" / "loss_maps.jpg"
SCRIPT = Path(__file__).with_suffix(".js")

# Title, and whether lower is better.
METRICS = {
    "cc": ("CC", False),
    "sim": ("SIM", False),
    "auc_judd": ("AUC-Judd", False),
    "auc_borji": ("AUC-Borji", False),
    "nss": ("NSS", False),
    "emd": ("EMD", True),
    "kl": ("KL", True),
}

STYLE = """
.maps { max-width: none; overflow-x: auto; }
.maps img { width: 100%; min-width: 36rem; height: auto; }
#controls { display: flex; flex-wrap: wrap; gap: .6rem 2rem;
  align-items: center; margin: 1rem 0 .4rem; }
fieldset { border: 0; padding: 0; margin: 0; display: flex; flex-wrap: wrap;
  gap: .3rem 1.1rem; }
legend { float: left; padding: 0; margin-right: 1.1rem; color: var(--faint);
  line-height: 2.2rem; }
#controls label { display: inline-flex; gap: .4rem; align-items: center;
  min-height: 2.2rem; }
#controls input { accent-color: var(--mark); width: 1.1rem; height: 1.1rem; }
.sortable { width: 100%; }
.sortable th button { font: inherit; color: inherit; background: none;
  border: 0; border-radius: .25rem; padding: .4rem .2rem; cursor: pointer;
  text-align: inherit; }
.sortable th button:hover { text-decoration: underline; }
th[aria-sort] button { color: var(--mark); }
th[aria-sort=ascending] button::after { content: " ▲"; }
th[aria-sort=descending] button::after { content: " ▼"; }
.sortable td svg { margin-left: auto; }
.sortable svg .axis { opacity: .3; }
.sortable tbody th { min-width: min(14rem, 32vw); }
.sortable tbody tr:hover { background: var(--shade); }
.sortable td.alike { background: var(--band); }
.sortable thead th:first-child, .sortable tbody th { position: sticky; left: 0;
  background: var(--paper); z-index: 1; padding-right: 1rem; }
"""


def main(arguments: list[str] | None = None) -> int:
    """Write the pages."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args(arguments)
    for path, page in pages().items():
        write_text(path, page)
        print(path)
    return 0


def pages() -> dict[Path, str]:
    """Return the path and the text of each page."""
    return {
        STUDY / "which_loss.html": loss_page(
            json.loads(LOSSES.read_text("utf-8"))
        )
    }


def loss_page(measured: dict) -> str:
    """Return the page of the losses."""
    sets, level = measured["sets"], measured["level"]
    names = [row[0] for row in next(iter(sets.values()))["metrics"]["cc"]]
    choices = "".join(
        f'<label><input type="radio" name="set" value="{text(name)}"'
        f"{' checked' if i == 0 else ''}>{text(name)}</label>"
        for i, name in enumerate(sets)
    )
    body = [
        "<header><h1>Which loss?</h1>"
        f"<p>{len(names)} losses on one network, the rows of the paper's table "
        "2: the same head, the same 500 images of MIT1003, one recipe. No "
        "other set was trained on.</p></header><main>",
        '<div id="controls" hidden><fieldset><legend>Data set</legend>'
        f'{choices}</fieldset><label><input type="checkbox" id="only">'
        "Only losses not distinguishable from the best</label></div>",
        '<p id="status" class="faint" role="status"></p>',
    ]
    for name, of in sets.items():
        body.append(
            f'<section data-set="{text(name)}"><h2>{text(name)}</h2>'
            f"{loss_table(name, of, level)}</section>"
        )
    picture = html.data_url("image/jpeg", MAPS.read_bytes())
    body.append(
        "<h2>Their maps</h2><p>Generated images and the maps of four losses, "
        "of which there is a published head. The other rows have none.</p>"
        '<p class="maps"><img alt="Three generated images, their density '
        'maps, and the maps of heads trained by MSE, MLNET-MSE, LC1, LC2." '
        f'src="{picture}"></p>'
    )
    pairs = len(names) * (len(names) - 1) // 2
    body.append(
        "<h2>How to read it</h2>"
        "<p>A number is the mean over images (and seeds), the bar its 95 % "
        "interval with the mean in it; all bars of a column have one scale. "
        "Small: the 95 % interval of the rank. Images and seeds are drawn "
        "together, the same for all rows, and the rows ranked anew in each "
        "draw. With one seed, the intervals are over images alone: how much "
        "another training would change is not in them.</p>"
        "<p>On a colored ground: not distinguishable from the best, that is, "
        f"the p-value of the difference is not below {level} after Holm's "
        f"correction over all {pairs * len(METRICS):,} comparisons on a set. "
        "“All metrics” is the mean of a row's seven ranks.</p>"
        f'<p class="faint">From {text(measured["source"])} This page: '
        "tools/study_pages.py.</p></main>"
    )
    return finished("Which loss?", body)


def loss_table(name: str, of: dict, level: float) -> str:
    """Return the table of one data set."""
    found = {
        metric: {row[0]: row for row in rows}
        for metric, rows in of["metrics"].items()
    }
    reaches = {
        metric: (min(r[2] for r in rows), max(r[3] for r in rows))
        for metric, rows in of["metrics"].items()
    }
    head = [heading("Loss", True)]
    head += [heading(*METRICS[metric]) for metric in found]
    head.append(heading("All metrics", True))
    rows = []
    for loss in found["cc"]:
        cells = [f'<th scope="row" data-value="{text(loss)}">{text(loss)}</th>']
        for metric, by_loss in found.items():
            _, mean, low, high, rank, first, last, p = by_loss[loss]
            number = f"{mean:.3f}"
            if rank == 1:
                number = f"<strong>{number}</strong>"
            alike, said = "", ""
            if p >= level:
                alike = ' class="alike"'
                said = '<span class="hidden">, like the best</span>'
            ranks = f"{first}" if first == last else f"{first}–{last}"
            cells.append(
                f'<td data-value="{mean}"{alike}>{number} <small>'
                f'<span class="hidden">rank </span>{ranks}</small>{said}'
                f"{bar(mean, low, high, reaches[metric])}</td>"
            )
        ranks = [by_loss[loss][4] for by_loss in found.values()]
        mean = sum(ranks) / len(ranks)
        cells.append(f'<td data-value="{mean:.4f}">{mean:.1f}</td>')
        rows.append("<tr>" + "".join(cells) + "</tr>")
    seeds = f"{of['seeds']} seed{'' if of['seeds'] == 1 else 's'}"
    return sortable(f"{name}: {of['images']} images, {seeds}.", head, rows)


def heading(title: str, lower: bool) -> str:
    """Return a cell of a table's head."""
    better = "lower" if lower else "higher"
    word = f'<span class="hidden">, {better} is better</span>'
    is_metric = title in {found for found, _ in METRICS.values()}
    return (
        f'<th scope="col" data-name="{text(title)}" data-better="{better}">'
        f"{text(title)}{word if is_metric else ''}</th>"
    )


def sortable(caption: str, head: list[str], rows: list[str]) -> str:
    """Return a table that the script sorts."""
    return (
        f'<div class="wide" role="region" aria-label="{text(caption)}" '
        f'tabindex="0"><table class="sortable"><caption>{text(caption)}'
        f"</caption><thead><tr>{''.join(head)}</tr></thead><tbody>\n"
        + "\n".join(rows)
        + "\n</tbody></table></div>"
    )


def bar(mean: float, low: float, high: float, reach: tuple) -> str:
    """Return an interval drawn between the ends of its column."""
    left, middle, right = (
        round(2 + 96 * (value - reach[0]) / ((reach[1] - reach[0]) or 1), 1)
        for value in (low, mean, high)
    )
    width = max(right - left, 1)
    return (
        '<svg viewBox="0 0 100 10" width="100" height="10" aria-hidden="true">'
        '<path class="axis" d="M0 5H100"/>'
        f'<rect class="bars" x="{left}" y="2" width="{width:.1f}" height="6"/>'
        f'<path class="mark" d="M{middle} 0V10"/></svg>'
    )


def finished(title: str, body: list[str]) -> str:
    """Return a page with the style and the script of these pages."""
    script = SCRIPT.read_text("utf-8")
    return html.page(title, "\n".join(body), style=STYLE, script=script)


if __name__ == "__main__":
    sys.exit(main())
