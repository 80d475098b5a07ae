"""Write the pages of the study that are made to be looked at.

    python tools/study_pages.py

`docs/study/which_loss.html`: every loss by every metric on every data set, from
the package's `losses/recommended.json`, which `examples/which_loss.py` writes.
`docs/study/systems.html`: what each system reaches and what it needs, from the
manifest of published weights, `docs/study/table1.md`, `table1_more.md` and
`docs/study/systems.json`, which `examples/benchmarks/systems.py` writes. Each
is one file that needs no server.
"""

import argparse
import json
import re
import sys
from pathlib import Path

from keras_saliency._utils import html
from keras_saliency._utils.atomic import write_text
from keras_saliency._utils.html import text

ROOT = Path(__file__).resolve().parents[1]
STUDY = ROOT / "docs" / "study"
LOSSES = ROOT / "keras_saliency" / "losses" / "recommended.json"
MANIFEST = ROOT / "keras_saliency" / "weights" / "manifest.json"
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
# Rows of table 1 whose system has a name; the others are left out.
TABLE1 = {
    "Sam-ResNet": "sam_resnet",
    "Sam-VGG": "sam_vgg",
    "SalGan": "salgan",
    "ML-Net": "ml_net",
    "ShallowNet": "shallow_net",
    "DeepConvNet": "deep_conv_net",
    "Rare2012": "rare2012",
    "Center bias": "center_bias",
    "GBVS": "gbvs",
    "Itti": "itti_koch",
    "AWS": "aws",
    "Spectral residual": "spectral_residual",
    "Itti, SaliencyToolbox": "itti_koch_toolbox",
    "Uniform": "uniform",
    "SALICON": "salicon_net",
    "DeepGaze I, VGG-16": "deepgaze1",
    # Its parameters and time were measured with VGG-19 only.
    "DeepGaze II, VGG-16": "deepgaze2_vgg16",
    "ICF": "icf",
    "DSCLRCN": "dsclrcn",
    "EML-NET": "eml_net",
    "PDP": "pdp",
    "BMS": "bms",
    "Image signature": "image_signature",
    "AIM": "aim",
    "SUN": "sun",
}
# Those that nothing is fitted of.
UNTRAINED = (
    "rare2012",
    "gbvs",
    "itti_koch",
    "aws",
    "spectral_residual",
    "itti_koch_toolbox",
    "uniform",
    "bms",
    "image_signature",
    "aim",
    "sun",
)

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
.sortable th.words { text-align: left; }
.sortable tbody tr:hover { background: var(--shade); }
.sortable td.alike { background: var(--band); }
.sortable thead th:first-child, .sortable tbody th { position: sticky; left: 0;
  background: var(--paper); z-index: 1; padding-right: 1rem; }
.sortable td.words { text-align: left; white-space: normal; min-width: 15rem; }
"""


def main(arguments: list[str] | None = None) -> int:
    """Write both pages."""
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
    systems = json.loads((STUDY / "systems.json").read_text("utf-8"))
    return {
        STUDY / "which_loss.html": loss_page(
            json.loads(LOSSES.read_text("utf-8"))
        ),
        STUDY / "systems.html": systems_page(
            json.loads(MANIFEST.read_text("utf-8")),
            [
                (STUDY / f"{name}.md").read_text("utf-8")
                for name in ("table1", "table1_more")
            ],
            systems,
        ),
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
        "2 and the best that came after it: the same head, the same 500 images "
        "of MIT1003, one recipe. No other set was trained on.</p>"
        "</header><main>",
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


def systems_page(manifest: dict, tables: list[str], needs: dict) -> str:
    """Return the page of the systems."""
    rows = published(manifest)
    for table in tables:
        rows += trained(table)
    known = {row["needs"] for row in rows}
    rows += [
        {"name": name, "needs": name, "data": "not measured here"}
        for name in needs["systems"]
        if name not in known
    ]
    cc = [row["cc"] for row in rows if "cc" in row]
    nss = [row["nss"] for row in rows if "nss" in row]
    reach = [
        (min(r[1] for r in all_), max(r[2] for r in all_)) for all_ in (cc, nss)
    ]
    head = [
        heading("System", True),
        heading("CC", False),
        heading("NSS", False),
        heading("Parameters", True),
        heading("Processor ms", True),
        heading("Input", True),
        heading("What it saw", True).replace("<th ", '<th class="words" '),
    ]
    lines = []
    for row in rows:
        need = needs["systems"].get(row["needs"])
        cells = [
            f'<th scope="row" data-value="{text(row["name"])}">'
            f"{text(row['name'])}</th>"
        ]
        for metric, limits in zip(("cc", "nss"), reach, strict=True):
            if metric not in row:
                cells.append("<td></td>")
                continue
            mean, low, high = row[metric]
            cells.append(
                f'<td data-value="{mean}">{mean:.3f}'
                f"{bar(mean, low, high, limits)}</td>"
            )
        cells += needed(need)
        cells.append(
            f'<td class="words" data-value="{text(row["data"])}">'
            f"{text(row['data'])}</td>"
        )
        lines.append("<tr>" + "".join(cells) + "</tr>")
    height, width = needs["image"]
    body = [
        "<header><h1>Systems and what they need</h1><p>CC and NSS on the 303 "
        "test images of MIT1003, at their own size, densities of sigma 24 "
        "px.</p></header><main>",
        '<div id="controls" hidden></div>'
        '<p id="status" class="faint" role="status"></p>',
        sortable("Systems, with 95 % intervals over images.", head, lines),
        "<h2>How to read it</h2>"
        "<p>Systems did not see the same: compare rows with the same last "
        "column. Rows “table 1” were trained here on MIT1003's "
        "training part alone, most with images of 192x256, some with 300 of "
        "its 500 images; their authors trained them on more. What the "
        "networks of the last rows reach was not measured here. An empty "
        "cell was not measured.</p>"
        "<p>Milliseconds are those of the processor, all cores together, for "
        f"the map of an image of {height}x{width} at the input of the column, "
        "all steps included, float32, the fastest of "
        f"{needs['turns']} turns: {text(needs['machine'])}, "
        f"{text(needs['backend'])}, {text(needs['date'])}.</p>"
        '<p class="faint">From the manifest of weights, docs/study/table1.md, '
        "table1_more.md and docs/study/systems.json "
        f"({text(needs['command'])}). This page: tools/study_pages.py.</p>"
        "</main>",
    ]
    return finished("Systems and what they need", body)


def needed(need: dict | None) -> list[str]:
    """Return the cells of what a system needs, empty if not measured."""
    if need is None:
        return ["<td></td>"] * 3
    count, milliseconds = need["parameters"], need["milliseconds"]
    height, width = (side or 0 for side in need["input"])
    return [
        f'<td data-value="{count}">{millions(count)}</td>',
        f'<td data-value="{milliseconds}">{milliseconds:,.4g}</td>',
        f'<td data-value="{height * width}">'
        f"{f'{height}x{width}' if height else 'any'}</td>",
    ]


def published(manifest: dict) -> list[dict]:
    """Return the rows of the published files, the best above."""
    rows = [
        {
            "name": f"{name} (published)",
            # A head has the parameters and the time of its network.
            "needs": "baseline" if entry["baseline"] else name,
            "cc": entry["metrics"]["cc"],
            "nss": entry["metrics"]["nss"],
            "data": entry["data"].replace("`", ""),
        }
        for name, entry in manifest.items()
    ]
    return sorted(rows, key=lambda row: -row["cc"][0])


def trained(table: str) -> list[dict]:
    """Return the rows of a part of table 1, read from its Markdown."""
    lines = [
        [cell.strip() for cell in line.strip("| \n").split("|")]
        for line in table.splitlines()
        if line.startswith("|")
    ]
    # The first column has no title.
    columns = {title: i for i, title in enumerate(["", *lines[0]])}
    rows = []
    for name, *cells in lines[2:]:
        if name not in TABLE1:
            continue
        row = {"name": f"{name} (table 1)", "needs": TABLE1[name]}
        for metric, title in (("cc", "CC"), ("nss", "NSS")):
            numbers = re.findall(r"-?\d+\.\d+", cells[columns[title] - 1])
            row[metric] = [float(number) for number in numbers[:3]]
        untrained = TABLE1[name] in UNTRAINED
        row["data"] = "nothing" if untrained else "MIT1003, training part"
        rows.append(row)
    return rows


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


def millions(count: int) -> str:
    """Return a number of parameters as it is said."""
    if count >= 1_000_000:
        return f"{count / 1e6:.1f} million"
    return f"{count:,}" if count else "none"


def finished(title: str, body: list[str]) -> str:
    """Return a page with the style and the script of these pages."""
    script = SCRIPT.read_text("utf-8")
    return html.page(title, "\n".join(body), style=STYLE, script=script)


if __name__ == "__main__":
    sys.exit(main())
