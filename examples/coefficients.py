"""Weights of a combined loss, searched on the validation part by Optuna.

    pip install "keras_saliency[search,tensorflow]"
    python examples/coefficients.py --data MIT1003 --backbone-weights FILE

draws weights of the terms in `TERMS`, trains the baseline's head shortly on
cached features with each combination, and measures the seven metrics on the
validation part at the images' own sizes. Optuna's sampler (TPE) learns from
three of them at once: CC, NSS and KL. KLD, LC1 and LC2 are measured first, by
the same short training. A training that diverges is kept as failed.

Each term is on or off; the weight of one that is on is drawn log-uniformly
between 1/100 and 1, as its share of the gradient by the map, and the shares are
divided by their sum. So the size of the sum is no further learning rate (Adam
divides by the size of the gradient besides).

The search is kept in `RESULTS/coefficients/study.db`: the same command goes on
with the trials that are lacking, and several processes, started with the same
command, share it. Prints and writes the front, the combinations that no other
one beats in all three metrics (`coefficients.md`, `.json`, `.png`). The chosen
one has the best mean rank over the seven metrics among the combinations on the
front.

compare_coefficients.py then trains it by the recipe of table 2, and compares it
with KLD, LC1 and LC2 on the test part and on other sets.
"""

import dataclasses
import json
import math
import shutil
import time
import warnings

import keras
import numpy as np

from keras_saliency import evaluation, experiments, losses
from keras_saliency._utils import figures, locks, optional
from keras_saliency.experiments import RECIPE, command_line

# Name of a term -> the weight at which its gradient by the map is about as
# large as that of KLD, at the maps of a head that KLD has trained.
TERMS = {
    "KLD": 1.0,
    "CC": 8.0,
    "NSS": 1.0,
    "SIM": 0.35,
    "TV": 5.0,
    "BHAT": 5.0,
    "IG": 0.2,
    "soft-AUC": 4.0,
    "MSE": 700.0,
    "W-BCE(w=0.6)": 40.0,
    "R": 8000.0,
}
SHARES = 0.01, 1.0
# What they are compared with, under the names that table 2 has.
REFERENCES = {
    "KLD": "KLD",
    "LC1": "KLD + CC + NSS + R",
    "LC2": "KLD + CC + NSS + DF + GM + SIG-MSE + R",
}
OBJECTIVES = {"cc": "maximize", "nss": "maximize", "kl": "minimize"}
# Seconds between signs of life, and until a silent process counts as ended.
HEARTBEAT, GRACE = 30, 180


class Diverged(ArithmeticError):
    """A training ended in what cannot be measured."""


def main(arguments=None):
    """Make the trials that are lacking, and write the front."""
    parser = command_line.parser(__doc__)
    command_line.add_training_arguments(parser)
    parser.set_defaults(epochs=2)
    for name, value, text in (
        ("trials", 60, "combinations in all, with KLD, LC1 and LC2"),
        ("train-images", None, "training images of a trial; default: all"),
        ("validation-images", None, "images that measure it; default: all"),
    ):
        parser.add_argument(
            f"--{name}", type=command_line.count, default=value, help=text
        )
    parser.add_argument(
        "--input-size",
        type=command_line.input_size,
        metavar="HEIGHTxWIDTH",
        help="of the images of a trial; default: 300x400, as table 2",
    )
    arguments = parser.parse_args(arguments)
    optional.load_module(
        "optuna",
        'coefficients.py needs Optuna: pip install "keras_saliency[search]"',
    )
    parts = command_line.load_parts(arguments.data)
    trainer = command_line.head_trainer(arguments, arguments.precision)
    size = arguments.input_size or trainer.input_shape[:2]
    trainer = dataclasses.replace(
        trainer,
        results=arguments.results / "coefficients",
        input_shape=(*size, 3),
    )
    train = command_line.spread(parts["train"], arguments.train_images)
    validation = command_line.spread(
        parts["validation"], arguments.validation_images
    )
    recipe = dataclasses.replace(RECIPE, epochs=arguments.epochs)
    study = opened(
        arguments.results,
        {
            "data": train.name,
            "images": len(train),
            "input": list(trainer.input_shape),
            "validation": len(validation),
            "recipe": dataclasses.asdict(recipe),
            "precision": arguments.precision,
            "seed": arguments.seed,
            "terms": TERMS,
        },
    )
    prior = train.mean_density(trainer.model().map_size)
    every = combined({term: 1.0 for term in TERMS}, prior)
    trainer.check([*REFERENCES.values(), every], train)
    lacking = max(0, arguments.trials - len(ended(study)))
    experiments.announce(
        "coefficients",
        [experiments.Training(len(train), recipe.epochs)] * lacking,
        measured=lacking * len(validation),
        results=arguments.results,
    )

    def objective(trial):
        # Of its number, so that a search that goes on draws what one that is
        # not stopped draws, and processes beside each other do not draw alike.
        study.sampler = sampler(arguments.seed + 1000 * trial.number)
        begun = time.perf_counter()
        try:
            name = trial.user_attrs.get("reference")
            loss = REFERENCES.get(name)
            if loss is None:
                weights = drawn(trial)
                trial.set_user_attr("weights", weights)
                loss = combined(weights, prior)
            means = measured(loss, f"trial {trial.number}")
        except Diverged as error:
            trial.set_user_attr("failed", str(error))
            raise
        trial.set_user_attr("means", means)
        trial.set_user_attr("seconds", round(time.perf_counter() - begun, 1))
        print(trial.number, name or described(weights), flush=True)
        shown = (f"{metric} {means[metric]:.3f}" for metric in OBJECTIVES)
        print("  ", ", ".join(shown), flush=True)
        return [means[metric] for metric in OBJECTIVES]

    def measured(loss, name):
        run = trainer.train(loss, train, recipe, seed=arguments.seed, name=name)
        try:
            weights = run.model.head.get_weights()
            if not all(np.isfinite(each).all() for each in weights):
                raise Diverged("The weights of the head are not finite.")
            means = experiments.score(run, validation, "validation").means()
        finally:
            # What counts is in the study.
            shutil.rmtree(run.folder)
            keras.backend.clear_session()
        if not all(map(math.isfinite, means.values())):
            raise Diverged(f"Not all metrics are finite: {means}")
        return means

    while enqueued(study, arguments) or len(ended(study)) < arguments.trials:
        study.optimize(objective, n_trials=1, catch=(Diverged,))
    write_front(study, arguments.results)


def opened(results, settings):
    """Return the study that is kept in a folder of results, or a new one.

    Raises:
        SettingsError: If it was made with other settings.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    folder = results / "coefficients"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "study.db"
    with locks.hold(folder / "study.lock"):
        study = optuna.create_study(
            storage=storage(path),
            study_name="coefficients",
            sampler=sampler(0),
            directions=list(OBJECTIVES.values()),
            load_if_exists=True,
        )
        kept = study.user_attrs.get("settings")
        if kept is None:
            study.set_user_attr("settings", settings)
        else:
            experiments.check_settings(settings, kept, path)
    return study


def storage(path):
    """Return Optuna's storage in a file, which notices ended processes."""
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.storages.RDBStorage(
            f"sqlite:///{path}",
            engine_kwargs={"connect_args": {"timeout": 60}},
            heartbeat_interval=HEARTBEAT,
            grace_period=GRACE,
        )


def sampler(seed):
    """Return what draws the weights of a trial."""
    import optuna

    return optuna.samplers.TPESampler(seed=seed)


def ended(study):
    """Return the trials that are done or diverged, not those cut short."""
    return [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state.name == "COMPLETE" or "failed" in trial.user_attrs
    ]


def enqueued(study, arguments):
    """Enqueue the references that no process has made or is making.

    Returns:
        Whether any was enqueued.
    """
    with locks.hold(arguments.results / "coefficients" / "study.lock"):
        known = {
            trial.user_attrs.get("reference")
            for trial in [
                *ended(study),
                *(t for t in study.trials if not t.state.is_finished()),
            ]
        }
        missing = [name for name in REFERENCES if name not in known]
        for name in missing:
            study.enqueue_trial({}, user_attrs={"reference": name})
    return bool(missing)


def drawn(trial):
    """Return the weights of a trial: term -> weight, without those of zero."""
    shares = {
        term: trial.suggest_float(f"share of {term}", *SHARES, log=True)
        for term in TERMS
        if trial.suggest_categorical(f"with {term}", [False, True])
    }
    if not shares:
        raise Diverged("No term is drawn.")
    total = sum(shares.values())
    # What is printed is what is trained.
    return {
        term: float(f"{TERMS[term] * share / total:.3g}")
        for term, share in shares.items()
    }


def combined(weights, prior):
    """Return the loss with some weights.

    Args:
        weights: Term -> weight.
        prior: Mean density map of the training part.
    """
    terms = [losses.get(term, prior=prior) for term in weights]
    return losses.CombinedLoss(terms, weights=weights.values())


def described(weights):
    """Return weights as text, such as `"0.5 KLD + 4 CC"`."""
    return " + ".join(f"{weight:g} {term}" for term, weight in weights.items())


def sign(metric):
    """Return 1 for a metric that should be high, -1 for the others."""
    return 1 if evaluation.METRICS[metric].higher_is_better else -1


def mean_ranks(trials):
    """Return each trial's mean rank over the seven metrics among the trials."""
    table = [
        [-sign(m) * trial.user_attrs["means"][m] for m in evaluation.SEVEN]
        for trial in trials
    ]
    ranks = 1 + np.argsort(np.argsort(table, axis=0, kind="stable"), axis=0)
    return ranks.mean(axis=1).tolist()


def front_of(study):
    """Return the front's combinations with their mean ranks, the best first.

    KLD, LC1 and LC2 may be on the front; they are neither ranked nor returned.
    """
    trials = [
        trial for trial in study.best_trials if "weights" in trial.user_attrs
    ]
    if not trials:
        return []
    ranked = zip(trials, mean_ranks(trials), strict=True)
    return sorted(ranked, key=lambda pair: (pair[1], pair[0].number))


def write_front(study, results):
    """Print and write the front as a table, as JSON and as a picture."""
    done = [t for t in ended(study) if "failed" not in t.user_attrs]
    front = front_of(study)
    best = {trial.number for trial in study.best_trials}
    titles = [evaluation.METRICS[m].title for m in evaluation.SEVEN]
    lines = [
        "| trial | weights | " + " | ".join(titles) + " | mean rank |",
        "|---" * (len(titles) + 3) + "|",
    ]
    references = [t for t in done if "reference" in t.user_attrs]
    rows = [(trial, None) for trial in references] + front
    for trial, rank in rows:
        means = trial.user_attrs["means"]
        cells = [f"{means[metric]:.3f}" for metric in evaluation.SEVEN]
        name = trial.user_attrs.get("reference")
        if name is None:
            name = described(trial.user_attrs["weights"])
        shown = "" if rank is None else f"{rank:.1f}"
        lines.append(
            f"| {trial.number} | {name} | {' | '.join(cells)} | {shown} |"
        )
    seconds = sum(trial.user_attrs["seconds"] for trial in done)
    lines += [
        "",
        f"{len(done)} trials, {len(ended(study)) - len(done)} more failed; "
        f"{seconds / 3600:.1f} hours.",
    ]
    text = "\n".join(lines) + "\n"
    print(f"\n{text}")
    content = {
        "settings": study.user_attrs["settings"],
        "chosen": front[0][0].number if front else None,
        "trials": [
            {"number": t.number, "front": t.number in best, **t.user_attrs}
            for t in ended(study)
        ],
    }
    experiments.write_text(results / "coefficients.md", text)
    experiments.write_text(
        results / "coefficients.json", json.dumps(content, indent=1) + "\n"
    )
    if done:
        draw(done, best, content["chosen"], results / "coefficients.png")


def draw(trials, best, chosen, path):
    """Draw CC against NSS, colored by KL, the front with black edges."""
    figure = figures.new(6.5, 4.5)
    axes = figure.subplots()
    cc, nss, kl = (
        np.array([trial.user_attrs["means"][metric] for trial in trials])
        for metric in OBJECTIVES
    )
    edges = ["black" if t.number in best else "none" for t in trials]
    points = axes.scatter(
        cc, nss, c=kl, s=45, edgecolors=edges, cmap="viridis_r",
        vmax=np.percentile(kl, 90),
    )  # fmt: skip
    for trial, x, y in zip(trials, cc, nss, strict=True):
        name = trial.user_attrs.get("reference")
        if name or trial.number == chosen:
            axes.annotate(
                name or "chosen", (x, y), (-50, 25), fontsize=9, ha="right",
                textcoords="offset points", arrowprops={"arrowstyle": "-"},
            )  # fmt: skip
    # The few far below would press all others together.
    axes.set_xlim(left=np.percentile(cc, 25) - 0.02)
    axes.set_ylim(bottom=np.percentile(nss, 25) - 0.1)
    axes.set(xlabel="CC", ylabel="NSS")
    axes.grid(alpha=0.3)
    figure.colorbar(points, label="KL (lower is better)")
    figures.saved(figure, path)
    print(path)


if __name__ == "__main__":
    command_line.run(main)
