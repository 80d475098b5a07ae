"""An image, files with images, and a data set of black ones."""

import cv2
import numpy as np

from keras_saliency import datasets

# Sides even, as videos need.
PICTURE = np.random.default_rng(0).integers(0, 256, (46, 70, 3), "uint8")


def write(path, image=PICTURE):
    """Write an image; return the path."""
    path.write_bytes(cv2.imencode(path.suffix, image[..., ::-1])[1])
    return path


def write_video(path, frames):
    """Write a video of 10 frames per second; return the path."""
    size = frames[0].shape[1::-1]
    code = cv2.VideoWriter_fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(path), code, 10, size)
    for frame in frames:
        writer.write(frame[..., ::-1])
    writer.release()
    return path


def black(names):
    """Make a data set of black images with these names, without fixations."""
    return datasets.SaliencyDataset(
        "black",
        [np.zeros((4, 4, 3), "uint8")] * len(names),
        names=names,
        fixations=datasets.Fixations([], [], []),
    )
