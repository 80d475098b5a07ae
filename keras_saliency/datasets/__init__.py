"""Data sets of images and fixations, and batches made from them."""

from keras_saliency._utils.errors import DatasetError, DatasetNotFoundError
from keras_saliency.datasets.augmentation import (
    Affine,
    Albumentations,
    Augmentation,
)
from keras_saliency.datasets.base import SaliencyDataset
from keras_saliency.datasets.density import density_map, fixation_map
from keras_saliency.datasets.fixations import Fixations
from keras_saliency.datasets.formats.compact import load_compact, to_compact
from keras_saliency.datasets.formats.csv_files import load_csv
from keras_saliency.datasets.formats.folders import (
    load_folder,
    load_tree,
    to_folders,
)
from keras_saliency.datasets.formats.pysaliency_sets import (
    from_pysaliency,
    to_pysaliency,
)
from keras_saliency.datasets.formats.trackers import TRACKERS
from keras_saliency.datasets.generated import GeneratedDataset, generate
from keras_saliency.datasets.loading import load, load_path
from keras_saliency.datasets.publishers.cat2000 import load_cat2000
from keras_saliency.datasets.publishers.eye import extract_fixations
from keras_saliency.datasets.publishers.fiwi import load_fiwi
from keras_saliency.datasets.publishers.library import SOURCES
from keras_saliency.datasets.publishers.mit1003 import load_mit1003
from keras_saliency.datasets.publishers.osie import load_osie
from keras_saliency.datasets.publishers.pascal_s import load_pascal_s
from keras_saliency.datasets.publishers.salicon import load_salicon
from keras_saliency.datasets.publishers.toronto import load_toronto
from keras_saliency.datasets.sequence import SaliencySequence
from keras_saliency.datasets.splits import SPLITS, Split, paper_split

# Every loader returns a `SaliencyDataset`.
DATASETS = {
    "cat2000": load_cat2000,
    "compact": load_compact,
    "csv": load_csv,
    "fiwi": load_fiwi,
    "folder": load_folder,
    "generated": generate,
    "mit1003": load_mit1003,
    "osie": load_osie,
    "pascal_s": load_pascal_s,
    "salicon": load_salicon,
    "toronto": load_toronto,
    "tree": load_tree,
}

__all__ = [
    "Affine",
    "Albumentations",
    "Augmentation",
    "DATASETS",
    "DatasetError",
    "DatasetNotFoundError",
    "Fixations",
    "GeneratedDataset",
    "SaliencyDataset",
    "SaliencySequence",
    "SOURCES",
    "SPLITS",
    "Split",
    "TRACKERS",
    "density_map",
    "extract_fixations",
    "fixation_map",
    "from_pysaliency",
    "generate",
    "load",
    "load_cat2000",
    "load_compact",
    "load_csv",
    "load_fiwi",
    "load_folder",
    "load_mit1003",
    "load_osie",
    "load_pascal_s",
    "load_path",
    "load_salicon",
    "load_toronto",
    "load_tree",
    "paper_split",
    "to_compact",
    "to_folders",
    "to_pysaliency",
]
