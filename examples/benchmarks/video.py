"""How many frames a second: reading, overlay, writing, and all of it.

The video is made here: a texture that moves, which costs the codec about what
a real one does. `--threads 1` holds OpenCV to one core. `--every N` is that of
`predict`, and says how near the maps then are to the frames' own.
"""

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from keras_saliency import Predictor, cli, evaluation, plot, predict, videos


def main(arguments=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--size", type=int, nargs=2, default=(720, 1280), metavar=("H", "W")
    )
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", help="default: that of the package")
    parser.add_argument("--threads", type=int, help="of OpenCV")
    parser.add_argument("--every", type=int, default=1)
    parsed = parser.parse_args(arguments)
    if parsed.threads:
        cv2.setNumThreads(parsed.threads)
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.mp4"
        videos.write_video(film, frames(parsed.size, parsed.frames), 25)
        shown = list(videos.open_video(film).frames)[:30]
        maps = list(Predictor(parsed.model).maps(shown))
        out = Path(folder) / "out.mp4"
        words = ["predict", str(film), "-o", str(out)]
        words += ["--every", str(parsed.every)]
        if parsed.model:
            words += ["--model", parsed.model]
        many = [shown[i % len(shown)] for i in range(parsed.frames)]
        for name, count, work in (
            ("read", parsed.frames, lambda: exhaust(film)),
            (
                "overlay",
                len(shown),
                lambda: [*map(plot.overlay, shown, maps)],
            ),
            (
                "write",
                parsed.frames,
                lambda: videos.write_video(out, many, 25),
            ),
            ("maps", parsed.frames, lambda: cli.main(words)),
            (
                "overlays",
                parsed.frames,
                lambda: cli.main([*words, "--overlay"]),
            ),
        ):
            best = min(seconds(work) for _ in range(parsed.rounds))
            print(
                f"{name:10} {1000 * best / count:6.2f} ms a frame, "
                f"{count / best:6.1f} frames a second",
                flush=True,
            )
        if parsed.every > 1:
            alike = correlations(film, parsed.model, parsed.every)
            print(
                f"CC with the frames' own maps: {np.mean(alike):.4f} on "
                f"average, {np.min(alike):.4f} at least"
            )


def frames(size, count):
    """Yield a texture that moves, with an object on it."""
    rng = np.random.default_rng(0)
    height, width = size
    noise = rng.integers(0, 256, (height, width, 3), "uint8")
    texture = cv2.GaussianBlur(noise, (0, 0), 3)
    texture = cv2.normalize(texture, None, 0, 255, cv2.NORM_MINMAX)
    for k in range(count):
        frame = np.roll(texture, 3 * k, axis=1)
        center = (width * k // count, height // 2)
        cv2.circle(frame, center, height // 8, (230, 60, 40), -1)
        yield frame


def correlations(film, model, every):
    """Return the CC of each frame's map with the one of the mixed."""
    predictor = Predictor(model)
    mixed = predict(film, predictor, every=every)
    return [
        float(evaluation.cc(prediction=map_, density=own))
        for own, map_ in zip(predict(film, predictor), mixed, strict=True)
    ]


def exhaust(path):
    """Read a video to its end."""
    for _ in videos.open_video(path).frames:
        pass


def seconds(work):
    """Return how long a function takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
