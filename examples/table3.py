"""Table 3: do losses keep their order on other data sets?

    python examples/table3.py --data MIT1003 --backbone-weights FILE \
        --sets CAT2000=PATH FiWi=PATH OSIE=PATH

takes the baselines that table2.py trained on MIT1003 with W-MSE, LC1 and LC2
(or trains them) and measures them on all images of each other set, as in the
paper. Then each is trained further on the training part of the other set,
and both are measured on its test part: `trained on MIT1003` and
`fine-tuned`. A set is given by its name and where the user's copy is: in the
publisher's layout, in compact form or in folders. What is done is kept in
`RESULTS/runs`. Prints and writes a table per set.
"""

import argparse
from pathlib import Path

import common
import paper
import training

from keras_saliency import evaluation

ROWS = {
    "W-MSE": "MLNET-MSE",
    "LC 1": "KLD + CC + NSS + R",
    "LC 2": "KLD + CC + NSS + DF + GM + SIG-MSE + R",
}


def main():
    """Train and measure what is missing, then report."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    training.add_arguments(parser)
    parser.add_argument("--sets", nargs="+", required=True, metavar="NAME=PATH")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--fine-tune-epochs", type=int, default=2)
    arguments = parser.parse_args()
    source = common.load(arguments.data)
    recipe = training.Recipe(epochs=arguments.epochs)
    further = training.Recipe(epochs=arguments.fine_tune_epochs)
    for entry in arguments.sets:
        name, _, path = entry.partition("=")
        parts = common.load(Path(path), name)
        whole, before, after = {}, {}, {}
        for row, loss in ROWS.items():
            for seed in arguments.seeds:
                start = training.trained(
                    arguments, loss, source["train"], recipe, seed
                )
                by_part = {
                    part: training.scored(*start, parts[part], part)
                    for part in parts
                }
                whole.setdefault(row, []).append(_merged(by_part.values()))
                before.setdefault(f"{row}, trained on MIT1003", []).append(
                    by_part["test"]
                )
                tuned = training.trained(
                    arguments, loss, parts["train"], further, seed, start
                )
                after.setdefault(f"{row}, fine-tuned", []).append(
                    training.scored(*tuned, parts["test"], "test")
                )
        for results, what in (
            (whole, "all images"),
            ({**before, **after}, "test part"),
        ):
            table = paper.Table("table3", results, name)
            count = len(next(iter(results.values()))[0])
            print(f"\n{name}, {what} ({count})\n{table}")
            table.write(arguments.results, training.slug(what))


def _merged(results):
    """One evaluation of the images of several."""
    results = list(results)
    return evaluation.Evaluation(
        [name for result in results for name in result.names],
        {
            metric: [v for result in results for v in result.scores[metric]]
            for metric in results[0].scores
        },
    )


if __name__ == "__main__":
    main()
