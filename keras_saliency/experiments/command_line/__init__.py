"""What the command lines of the experiments share.

Whatever is wrong with an argument is said before anything long starts.
"""

import sys
from collections.abc import Callable

from keras_saliency._utils import console
from keras_saliency.experiments.command_line.arguments import (
    PARTS,
    add_data_arguments,
    add_extra_argument,
    add_scores_arguments,
    add_seeds_argument,
    add_sets_argument,
    add_table_arguments,
    add_training_arguments,
    parser,
)
from keras_saliency.experiments.command_line.by_row import (
    ByRow,
    add_option_by_row,
)
from keras_saliency.experiments.command_line.data import (
    head_trainer,
    load_extra,
    load_parts,
    load_sets,
    network_weights,
    parts_of,
    spread,
    told_weights,
)
from keras_saliency.experiments.command_line.kinds import (
    PRECISIONS,
    count,
    count_or_none,
    file,
    folder,
    input_size,
    loss_name,
    named_folder,
    network_rate,
    precision,
    rate,
    seed,
    weights_file,
)

__all__ = [
    "ByRow",
    "PARTS",
    "PRECISIONS",
    "add_data_arguments",
    "add_extra_argument",
    "add_option_by_row",
    "add_scores_arguments",
    "add_seeds_argument",
    "add_sets_argument",
    "add_table_arguments",
    "add_training_arguments",
    "count",
    "count_or_none",
    "file",
    "folder",
    "head_trainer",
    "input_size",
    "load_extra",
    "load_parts",
    "load_sets",
    "loss_name",
    "named_folder",
    "network_rate",
    "network_weights",
    "parser",
    "parts_of",
    "precision",
    "rate",
    "run",
    "seed",
    "spread",
    "told_weights",
    "weights_file",
]


def run(main: Callable[[], object]) -> None:
    """Run a script's `main`, and end as the command `keras-saliency` does.

    An error of ours is one line on standard error, `keras-saliency: MESSAGE`;
    the exit status is then 2, or 1 if a file could not be written.
    """
    sys.exit(console.run(main))
