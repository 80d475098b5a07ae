"""FiWi: 149 pages of the web, 11 observers (Shen and Zhao, ECCV 2014)."""

from keras_saliency.datasets.publishers import common
from keras_saliency.images import read_map

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
    path = common.find(path, "webpage_dataset") or path
    stimuli = common.folder(path, "stimuli", what="pictures")
    maps = common.folder(
        path, "eyeMaps/all5", "all5", "fixations", what="fixations"
    )
    pictures = common.files(stimuli)
    found = common.files(maps)
    common.require_all(pictures, IMAGES, found, stimuli, partial)
    sizes = common.sizes(pictures)
    files = common.match(pictures, found, maps, "fixation map")
    return common.build(
        name,
        pictures,
        sizes,
        common.from_maps(((file, read_map(file)) for file in files), sizes),
        default_sigma=default_sigma,
        pixels_per_degree=pixels_per_degree,
    )
