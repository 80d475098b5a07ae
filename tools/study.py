"""Write all of the study that comes from what is stored in the repository.

    python tools/study.py

From the values of each image, `docs/study/table2.npz`: table 2 and the
findings; with `table2_best_later.npz` "Which loss?", its diagrams, and what
`losses.recommended` reads. From that and from the tables and timings beside
it: the pages to look at (`tools/study_pages.py`). The tables that need
trainings name their own command in `docs/study.md`; each keeps what it
measured, so that it can be given again.
"""

import argparse
import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCORES = ROOT / "docs" / "study" / "table2.npz"
LATER = ROOT / "docs" / "study" / "table2_best_later.npz"
# Scripts and their arguments, in this order: the last reads what others write.
COMMANDS = {
    "examples/findings.py": ["--scores", str(SCORES)],
    "examples/which_loss.py": [
        *("--scores", str(SCORES), str(LATER)),
        "--package",
    ],
    "tools/study_pages.py": [],
}


def main(arguments=None):
    """Run the scripts."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.parse_args(arguments)
    for name, given in COMMANDS.items():
        path = ROOT / name
        spec = importlib.util.spec_from_file_location(path.stem, path)
        script = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(script)
        script.main(given)


if __name__ == "__main__":
    main()
