"""Data sets of pictures and fixations, and batches made from them."""

from keras_saliency.datasets.base import Fixations, SaliencyDataset
from keras_saliency.datasets.compact import load_compact
from keras_saliency.datasets.density import density_map, fixation_map
from keras_saliency.datasets.folder import load_folder
from keras_saliency.datasets.generated import GeneratedDataset, generate
from keras_saliency.datasets.sequence import SaliencySequence
from keras_saliency.datasets.splits import Split, paper_split

# Every loader returns a `SaliencyDataset`.
DATASETS = {
    "compact": load_compact,
    "folder": load_folder,
    "generated": generate,
}

__all__ = [
    "DATASETS",
    "Fixations",
    "GeneratedDataset",
    "SaliencyDataset",
    "SaliencySequence",
    "Split",
    "density_map",
    "fixation_map",
    "generate",
    "load_compact",
    "load_folder",
    "paper_split",
]
