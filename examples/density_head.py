"""The baseline trained as a density of fixations, beside losses of table 2.

    python examples/density_head.py --data MIT1003 --backbone-weights FILE

trains the baseline's head by the recipe of table 2, with the output that is a
density (`activation="density"`: learned blur and center bias, softmax) and with
the output of table 2, and measures both on the validation part, or another.
After each epoch the callback says how many bits per fixation the map, divided
by its sum, knows more than the center bias of the training part. Writes
`density_head.json`, `.csv` and `.md`.
"""

import dataclasses
import json

import keras

from keras_saliency import callbacks, evaluation, experiments, losses
from keras_saliency.experiments import RECIPE, command_line, heads

# Name of a row -> loss and output activation, None for the loss's own.
ROWS = {
    "NLL, density": ("NLL", "density"),
    "KLD, density": ("KLD", "density"),
    "KLD + CC + NSS, density": ("KLD + CC + NSS", "density"),
    "NLL": ("NLL", None),
    "KLD": ("KLD", None),
}
# As the likelihood is defined: each fixation counts, nothing is moved.
BITS = {
    "information_gain": {"repeats": True, "minmax": False, "epsilon": 1e-12}
}


def main(arguments=None):
    """Train, measure, report."""
    parser = command_line.parser(__doc__)
    command_line.add_training_arguments(parser)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=[*ROWS])
    parser.add_argument(
        "--part", default="validation", choices=command_line.PARTS
    )
    arguments = parser.parse_args(arguments)
    parts = command_line.load_parts(arguments.data)
    trainer = command_line.head_trainer(arguments, arguments.precision)
    arguments.results.mkdir(parents=True, exist_ok=True)
    results, logs = {}, {}
    for name in arguments.rows:
        print(f"\n{name}", flush=True)
        model, logs[name] = train(arguments, trainer, parts, *ROWS[name])
        model.save(arguments.results / f"{experiments.slug(name)}.keras")
        dataset = parts[arguments.part]
        maps = heads.predict(model, dataset)
        results[name] = [evaluation.evaluate(maps, dataset, verbose=0)]
        print(f"\n{experiments.Table('density_head', results)}", flush=True)
    experiments.Table("density_head", results).write(arguments.results)
    experiments.write_text(
        arguments.results / "density_head_logs.json", json.dumps(logs, indent=1)
    )


def train(arguments, trainer, parts, loss, activation):
    """Return a trained baseline and the logs of its training."""
    recipe = dataclasses.replace(RECIPE, epochs=arguments.epochs)
    keras.utils.set_random_seed(arguments.seed)
    activation = activation or losses.get(loss).activation
    trained = trainer.model(
        activation=activation, head={"dtype": trainer.precision}
    )
    train = parts["train"]
    batches = heads.feature_batches(
        trained, train, recipe.batch_size, seed=arguments.seed
    )
    bits = callbacks.SaliencyMetrics(
        heads.feature_batches(trained, parts["validation"], shuffle=False),
        metrics=BITS,
        baseline=train.mean_density((60, 80)),
    )
    trained.head.compile(
        recipe.optimizer(recipe.epochs * len(batches)), losses.get(loss)
    )
    history = trained.head.fit(
        batches, epochs=recipe.epochs, verbose=2, callbacks=[bits]
    )
    # In float32, whatever the precision of training.
    model = trainer.model(activation=activation)
    model.head.set_weights(trained.head.get_weights())
    return model, history.history


if __name__ == "__main__":
    command_line.run(main)
