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

import dataclasses

from keras_saliency import evaluation, experiments
from keras_saliency.experiments import RECIPE, command_line

ROWS = {
    "W-MSE": "MLNET-MSE",
    "LC 1": "KLD + CC + NSS + R",
    "LC 2": "KLD + CC + NSS + DF + GM + SIG-MSE + R",
}


def main(arguments=None):
    """Train and measure what is missing, then report."""
    parser = command_line.parser(__doc__)
    command_line.add_training_arguments(parser)
    command_line.add_sets_argument(parser, required=True)
    command_line.add_seeds_argument(parser)
    parser.add_argument(
        "--fine-tune-epochs", type=command_line.count, default=2
    )
    arguments = parser.parse_args(arguments)
    source = command_line.load_parts(arguments.data)["train"]
    others = {
        name: command_line.load_parts(path, name)
        for name, path in arguments.sets
    }
    trainer = command_line.head_trainer(arguments, arguments.precision)
    recipe = dataclasses.replace(RECIPE, epochs=arguments.epochs)
    further = dataclasses.replace(RECIPE, epochs=arguments.fine_tune_epochs)
    announce(arguments, trainer, source, others, recipe, further)
    for name, parts in others.items():
        whole, before, after = {}, {}, {}
        for row, loss in ROWS.items():
            for seed in arguments.seeds:
                run = trainer.train(loss, source, recipe, seed=seed)
                scores = {
                    part: experiments.score(run, parts[part], part)
                    for part in parts
                }
                whole.setdefault(row, []).append(merged(scores.values()))
                before.setdefault(f"{row}, trained on MIT1003", []).append(
                    scores["test"]
                )
                tuned = trainer.train(
                    loss, parts["train"], further, seed=seed, start=run
                )
                after.setdefault(f"{row}, fine-tuned", []).append(
                    experiments.score(tuned, parts["test"], "test")
                )
        for results, what in (
            (whole, "all images"),
            ({**before, **after}, "test part"),
        ):
            table = experiments.Table("table3", results, name)
            count = len(next(iter(results.values()))[0])
            print(f"\n{name}, {what} ({count})\n{table}")
            table.write(arguments.results, experiments.slug(what))


def announce(arguments, trainer, source, others, recipe, further):
    """Check what the trainings need, and say what they are."""
    trainer.check(ROWS.values(), source)
    trainings, measured = {}, 0
    for parts in others.values():
        trainer.check(ROWS.values(), parts["train"])
        measured += sum(map(len, parts.values())) + len(parts["test"])
        for loss in ROWS.values():
            for seed in arguments.seeds:
                first = trainer.plan(loss, source, recipe, seed=seed)
                then = trainer.plan(
                    loss, parts["train"], further, seed=seed, start=first
                )
                for plan in (first, then):
                    trainings[plan.folder] = plan.training
    experiments.announce(
        "table3",
        list(trainings.values()),
        measured=measured * len(ROWS) * len(arguments.seeds),
        results=arguments.results,
    )


def merged(results):
    """Return one evaluation of the images of several."""
    results = list(results)
    return evaluation.Evaluation(
        [name for result in results for name in result.names],
        {
            metric: [v for result in results for v in result.scores[metric]]
            for metric in results[0].scores
        },
    )


if __name__ == "__main__":
    command_line.run(main)
