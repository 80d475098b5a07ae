"""Table 2: the 27 losses on one network, measured on the test part.

    python examples/table2.py --data MIT1003 --backbone-weights FILE

trains the baseline with each loss by one recipe (`training.Recipe`, chosen on
the validation part) and measures the seven metrics on the test part at the
pictures' own sizes. `--seeds 0 1 2` trains each several times. What is done is
kept in `RESULTS/runs` and not done again, so the same command goes on where it
was stopped. Prints and writes (`table2.json`, `.csv`, `.md`) the paper's
number, ours with its 95 % interval over images and seeds, and the ranks of
both; the three best of a column are marked as in the paper.
"""

import argparse

import common
import paper
import training

from keras_saliency import losses


def main():
    """Train and measure what is missing, then report."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    training.add_arguments(parser)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--rows", nargs="+", help="default: all 27")
    parser.add_argument("--part", default="test")
    arguments = parser.parse_args()
    rows = arguments.rows or [row.name for row in losses.TABLE2]
    parts = common.load(arguments.data)
    recipe = training.Recipe(epochs=arguments.epochs)

    results, seconds = {}, 0.0
    for seed in arguments.seeds:
        for row in rows:
            model, run = training.trained(
                arguments, row, parts["train"], recipe, seed
            )
            result = training.scored(
                model, run, parts[arguments.part], arguments.part
            )
            results.setdefault(row, []).append(result)
            seconds += run["seconds"]
    table = paper.Table("table2", results)
    print(f"\n{table}")
    print(
        f"{len(parts[arguments.part])} images, {len(arguments.seeds)} seeds, "
        f"{seconds / 3600:.1f} hours of training"
    )
    table.write(arguments.results)


if __name__ == "__main__":
    main()
