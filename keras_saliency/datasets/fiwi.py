"""FiWi: 149 pages of the web, 11 observers (Shen and Zhao, ECCV 2014)."""

from keras_saliency.datasets import _publisher
from keras_saliency.datasets.base import SaliencyDataset
from keras_saliency.datasets.errors import DatasetError
from keras_saliency.datasets.images import read_map


def load_fiwi(path, *, default_sigma=30.0, pixels_per_degree=None, name="FiWi"):
    """Load FiWi from its publisher's archive, extracted.

    Below `path` lie `stimuli/NAME.png` (768 high, 1360 or 1366 wide) and
    `eyeMaps/all5/NAME.png`, the fixations of all observers in five seconds,
    a white pixel each.

    Args:
        path: The folder.
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
    paths = list(pictures.values())
    sizes = _publisher.sizes(paths)
    parts = []
    for i, file in enumerate(
        _publisher.match(pictures, _publisher.files(maps), maps, "fixation map")
    ):
        counts = read_map(file) > 0
        if counts.shape != tuple(sizes[i]):
            raise DatasetError(
                f"The fixation map {file} is {counts.shape[0]} high and "
                f"{counts.shape[1]} wide, its picture {sizes[i][0]} and "
                f"{sizes[i][1]}."
            )
        x, y = _publisher.points(counts.astype("uint8"))
        parts.append((i, -1, x, y, None))
    return SaliencyDataset(
        name,
        paths,
        names=list(pictures),
        sizes=sizes,
        fixations=_publisher.gather(parts),
        default_sigma=default_sigma,
        pixels_per_degree=pixels_per_degree,
        exif=False,
    )
