"""CAT2000, training set: 2000 images of 20 categories (Borji, Itti 2015)."""

from keras_saliency._utils.types import PathName
from keras_saliency.datasets import files
from keras_saliency.datasets.base import SaliencyDataset
from keras_saliency.datasets.formats.fixation_files import read_matlab_map
from keras_saliency.datasets.publishers.common import PublishedImages

IMAGE_COUNT = 2000


def load_cat2000(
    path: PathName,
    *,
    published: bool = True,
    partial: bool = False,
    default_sigma: float | None = None,
    pixels_per_degree: float | None = None,
    name: str = "CAT2000",
) -> SaliencyDataset:
    """Load the training set of CAT2000 from its publisher's archive, extracted.

    `path` (or `trainSet` in it) holds `Stimuli/CATEGORY/NUMBER.jpg`,
    `FIXATIONLOCS/CATEGORY/NUMBER.mat` with a binary map, and
    `FIXATIONMAPS/CATEGORY/NUMBER.jpg`. The folders `Output` in them are
    passed over. A name includes its category: `Action/001`. The maps merge
    the 18 observers of each image.

    Args:
        path: The folder.
        published: Whether to use the density maps in FIXATIONMAPS, if the
            folder is there.
        partial: Whether to use a copy that lacks some of the images.
        default_sigma: Sigma of densities made from fixations, in pixels.
            Defaults to 24 per 1024 of the longer side.
        pixels_per_degree: Pixels per degree of visual angle.
        name: Name of the data set.

    Returns:
        A `SaliencyDataset`; `categories` are the folders.

    Raises:
        DatasetError: If a folder or file is missing or damaged.

    Notes:
        The scanpaths of single observers are in `allFixData.mat`, a MATLAB
        `containers.Map`, which only MATLAB reads.

    References:
    - Borji, Itti (2015), CAT2000: a large scale fixation dataset for boosting
      saliency research. arXiv:1505.03581.
    """
    path = files.find(path, "trainSet") or path
    images = PublishedImages(files.folder(path, "Stimuli", what="images"))
    locations = files.folder(
        path, "FIXATIONLOCS", "fixations", what="fixations"
    )
    maps = files.find(path, "FIXATIONMAPS", "saliency")
    found = files.files(locations, "fixation maps", extensions=(".mat",))
    images.require(found, published=IMAGE_COUNT, partial=partial)
    densities = images.densities(maps) if published and maps else None
    recorded = images.match(found, locations, "fixation map")
    return images.dataset(
        name,
        images.fixations_from_maps(
            (file, read_matlab_map(file, "fixLocs")) for file in recorded
        ),
        densities=densities,
        default_sigma=default_sigma,
        pixels_per_degree=pixels_per_degree,
    )
