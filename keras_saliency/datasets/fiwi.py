"""FiWi: 149 pages of the web, 11 observers (Shen and Zhao, ECCV 2014)."""

from keras_saliency.datasets import _publisher
from keras_saliency.datasets.images import read_map

IMAGES = 149


def load_fiwi(
    path,
    *,
    partial=False,
    default_sigma=30.0,
    pixels_per_degree=None,
    name="FiWi",
):
    """Load FiWi from its publisher's archive, extracted.

    Below `path` lie `stimuli/NAME.png` (768 high, 1360 or 1366 wide) and
    `eyeMaps/all5/NAME.png`, the fixations of all observers in five seconds,
    a white pixel each.

    Args:
        path: The folder.
        partial: Whether a copy is used that lacks some of the pictures.
        default_sigma: Sigma of densities in pixels. The default is MSI-Net's.
        pixels_per_degree: Pixels per degree of visual angle.
        name: Name of the data set.

    Returns:
        A `SaliencyDataset`. The observers are not told apart.

    Raises:
        DatasetError: If a folder or file is missing or damaged.

    References:
    - Shen, Zhao (2014), Webpage saliency.
    """
    path = _publisher.find(path, "webpage_dataset") or path
    stimuli = _publisher.folder(path, "stimuli", what="pictures")
    maps = _publisher.folder(
        path, "eyeMaps/all5", "all5", "fixations", what="fixations"
    )
    pictures = _publisher.files(stimuli)
    found = _publisher.files(maps)
    _publisher.require_all(pictures, IMAGES, found, stimuli, partial)
    sizes = _publisher.sizes(pictures)
    files = _publisher.match(pictures, found, maps, "fixation map")
    return _publisher.build(
        name,
        pictures,
        sizes,
        _publisher.from_maps(((file, read_map(file)) for file in files), sizes),
        default_sigma=default_sigma,
        pixels_per_degree=pixels_per_degree,
    )
