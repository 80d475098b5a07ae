"""How eye trackers' programs name the columns of their fixations.

Only programs whose names are the same in every version are here. Of others,
such as Tobii Pro Lab and Pupil Player, the user names the columns.
"""

from collections.abc import Mapping
from typing import NamedTuple

from keras_saliency.datasets.formats.tables import Column


class Tracker(NamedTuple):
    """What `load_csv` takes for the files of a program."""

    columns: Mapping[str, Column]
    units: str = "pixels"
    origin: str = "top left"
    duration_unit: str = "ms"


# Without a program: the columns of `SaliencyDataset.to_frame`. The column
# "fixation" is not among them, as it may number anything.
PLAIN = Tracker(
    {
        "image": "image",
        "x": "x",
        "y": "y",
        "observer": "observer",
        "order": "order",
        "duration": "duration",
    }
)

TRACKERS = {
    # The fixation report of SR Research's Data Viewer. The image is a variable
    # that the experiment names.
    "eyelink": Tracker(
        {
            "x": "CURRENT_FIX_X",
            "y": "CURRENT_FIX_Y",
            "observer": "RECORDING_SESSION_LABEL",
            "order": "CURRENT_FIX_INDEX",
            "duration": "CURRENT_FIX_DURATION",
        },
    ),
    # The fixations of Gazepoint Analysis, a file for each observer.
    "gazepoint": Tracker(
        {
            "image": "MEDIA_NAME",
            "x": "FPOGX",
            "y": "FPOGY",
            "order": "FPOGS",
            "duration": "FPOGD",
        },
        units="normalized",
        duration_unit="s",
    ),
}
