"""FiWi: 149 pages of the web, 11 observers (Shen and Zhao, ECCV 2014)."""

from keras_saliency._utils.types import PathName
from keras_saliency.datasets import files
from keras_saliency.datasets.base import SaliencyDataset
from keras_saliency.datasets.publishers.common import PublishedImages
from keras_saliency.images import read_map

IMAGE_COUNT = 149


def load_fiwi(
    path: PathName,
    *,
    partial: bool = False,
    default_sigma: float | None = 30.0,
    pixels_per_degree: float | None = None,
    name: str = "FiWi",
) -> SaliencyDataset:
    """Load FiWi from its publisher's archive, extracted.

    Below `path` lie `stimuli/NAME.png` (768 high, 1360 or 1366 wide) and
    `eyeMaps/all5/NAME.png`, the fixations of all observers in five seconds,
    a white pixel each.

    Args:
        path: The folder.
        partial: Whether to use a copy that lacks some of the images.
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
    path = files.find(path, "webpage_dataset") or path
    images = PublishedImages(files.folder(path, "stimuli", what="images"))
    folder = files.folder(
        path, "eyeMaps/all5", "all5", "fixations", what="fixations"
    )
    found = files.files(folder, "fixation maps")
    images.require(found, published=IMAGE_COUNT, partial=partial)
    maps = images.match(found, folder, "fixation map")
    return images.dataset(
        name,
        images.fixations_from_maps((map_, read_map(map_)) for map_ in maps),
        default_sigma=default_sigma,
        pixels_per_degree=pixels_per_degree,
    )
