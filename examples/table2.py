"""Table 2: the 27 losses on one network, measured on the test part.

    python examples/table2.py --data MIT1003 --backbone-weights FILE \
        --seeds 0 1 2 3 4 --sets OSIE=PATH Scene=PATH

trains the baseline with each loss by one recipe (`experiments.RECIPE`, chosen
on the validation part) and measures the seven metrics on the test part at the
images' own sizes; with `--sets` also on all images of other sets. Each seed is
a further training. What is done is kept in `RESULTS/runs` and not done again,
so the same command goes on where it was stopped. Prints and writes
(`table2.json`, `.csv`, `.md`) the paper's number, ours with its 95 % interval
over images and seeds, and the ranks of both; the three best of a column are
marked as in the paper. `table2.npz` has the values of each image, for
findings.py and which_loss.py.

    python examples/table2.py --later --part validation ...

does the same with the losses that came after the paper (`losses.LATER`), and
writes `table2_later.*`. `--rows` takes names of either kind.
"""

import dataclasses

from keras_saliency import experiments, losses
from keras_saliency.experiments import RECIPE, command_line


def main(arguments=None):
    """Train and measure what is missing, then report."""
    names = [row.name for row in losses.TABLE2]
    later = [row.name for row in losses.LATER]
    parser = command_line.parser(__doc__)
    command_line.add_training_arguments(parser)
    command_line.add_seeds_argument(parser)
    parser.add_argument(
        "--rows",
        nargs="+",
        choices=[*names, *later],
        metavar="ROW",
        help="names of losses as the paper's table prints them, or of later "
        "ones; default: all of the paper's",
    )
    parser.add_argument(
        "--later",
        action="store_true",
        help="the losses that came after the paper, unless --rows names "
        "others; writes table2_later.*",
    )
    parser.add_argument("--part", default="test", choices=command_line.PARTS)
    command_line.add_sets_argument(parser)
    arguments = parser.parse_args(arguments)
    arguments.rows = arguments.rows or (later if arguments.later else names)
    parts = command_line.load_parts(arguments.data)
    dataset = parts[arguments.part]
    sets = {dataset.name: (dataset, arguments.part)}
    for name, other in command_line.load_sets(arguments.sets).items():
        sets[name] = (other, "all")
    trainer = command_line.head_trainer(arguments, arguments.precision)
    recipe = dataclasses.replace(RECIPE, epochs=arguments.epochs)
    trainer.check(arguments.rows, parts["train"])
    plans = [
        trainer.plan(row, parts["train"], recipe, seed=seed)
        for seed in arguments.seeds
        for row in arguments.rows
    ]
    experiments.announce(
        "table2",
        [plan.training for plan in plans],
        measured=sum(len(d) for d, _ in sets.values()) * len(plans),
        results=arguments.results,
    )

    results, seconds = {name: {} for name in sets}, 0.0
    for seed in arguments.seeds:
        for row in arguments.rows:
            run = trainer.train(row, parts["train"], recipe, seed=seed)
            for name, (images, part) in sets.items():
                result = experiments.score(run, images, part)
                results[name].setdefault(row, []).append(result)
            seconds += run.seconds
    table = experiments.Table("table2", results[dataset.name])
    print(f"\n{table}")
    print(
        f"{len(dataset)} images, {len(arguments.seeds)} seeds, "
        f"{seconds / 3600:.1f} hours of training"
    )
    suffix = "later" if arguments.later else None
    table.write(arguments.results, suffix)
    file = "table2_later.npz" if arguments.later else "table2.npz"
    experiments.write_scores(arguments.results / file, results)


if __name__ == "__main__":
    command_line.run(main)
