"""Experiments that can be stopped and repeated: runs, tables, command lines.

`RECIPE` is how heads are trained. `HeadTrainer` and `train_network` train and
keep a run, and read it where it is done; `score` and `measure` do the same
with metrics; `Table` puts results beside the paper's; `write_scores` keeps the
values per image of a whole table in one file, and `Ranking` says which of its
rows differ. `command_line` has the arguments that the scripts in `examples/`
share.
"""

from keras_saliency._utils.atomic import replacing, write_text
from keras_saliency._utils.checksums import of_file as checksum
from keras_saliency.experiments import command_line
from keras_saliency.experiments.announcing import (
    NETWORK_SECONDS,
    Training,
    announce,
    network_seconds,
)
from keras_saliency.experiments.heads import (
    HeadTrainer,
    feature_batches,
    predict,
    score,
)
from keras_saliency.experiments.maps import kept_maps
from keras_saliency.experiments.networks import (
    AUTHORS,
    IMPORTERS,
    is_trained,
    make,
    precision,
    released,
    train_adversarially,
    train_network,
)
from keras_saliency.experiments.ranking import Difference, Place, Ranking
from keras_saliency.experiments.recipes import (
    NETWORK_RECIPE,
    PAPER_RECIPE,
    RECIPE,
    Recipe,
    StoppedSGD,
)
from keras_saliency.experiments.runs import (
    Run,
    SettingsError,
    check_settings,
    read_record,
    slug,
)
from keras_saliency.experiments.stored import (
    join_scores,
    read_scores,
    write_scores,
)
from keras_saliency.experiments.systems import (
    System,
    check_kept,
    first_panels,
    measure,
    report,
    spent_on,
)
from keras_saliency.experiments.tables import (
    TABLES,
    Table,
    interval,
    printed_metrics,
    printed_row,
)

__all__ = [
    "AUTHORS",
    "Difference",
    "HeadTrainer",
    "IMPORTERS",
    "NETWORK_RECIPE",
    "NETWORK_SECONDS",
    "PAPER_RECIPE",
    "Place",
    "RECIPE",
    "Ranking",
    "Recipe",
    "Run",
    "SettingsError",
    "StoppedSGD",
    "System",
    "TABLES",
    "Table",
    "Training",
    "announce",
    "check_kept",
    "check_settings",
    "checksum",
    "command_line",
    "feature_batches",
    "first_panels",
    "interval",
    "is_trained",
    "join_scores",
    "kept_maps",
    "make",
    "measure",
    "network_seconds",
    "precision",
    "predict",
    "printed_metrics",
    "printed_row",
    "released",
    "read_record",
    "read_scores",
    "replacing",
    "report",
    "score",
    "slug",
    "spent_on",
    "train_adversarially",
    "train_network",
    "write_scores",
    "write_text",
]
