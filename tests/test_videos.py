"""Videos are read whole and written whole."""

import os

import cv2
import numpy as np
import pytest
from media import PICTURE, write_video

from keras_saliency import cli, datasets, videos

FRAMES = [np.roll(PICTURE, 9 * k, axis=1) for k in range(5)]


def count(path):
    return len(list(videos.open_video(path)[0]))


@pytest.mark.parametrize("rate", [1, 23.976, 25, 120])
def test_what_is_written_is_read(tmp_path, rate):
    path = tmp_path / "deep/a.mp4"
    # Gray and other sizes are taken too; none is lost.
    frames = [*FRAMES, FRAMES[0][..., 0], FRAMES[0][:20, :30]]
    assert videos.write_video(path, iter(frames), rate) == 7
    assert [p.name for p in path.parent.iterdir()] == ["a.mp4"]
    read, found = videos.open_video(path)
    read = list(read)
    assert len(read) == 7 and found == pytest.approx(rate, rel=1e-3)
    # Red stays red.
    red = np.zeros((32, 48, 3), "uint8")
    red[..., 0] = 250
    videos.write_video(path, [red], rate)
    (frame,) = videos.open_video(path)[0]
    assert frame[..., 0].min() > 200 and frame[..., 1:].max() < 50


@pytest.mark.parametrize(
    ("suffix", "code"),
    [(".avi", "MJPG"), (".avi", "XVID"), (".mov", "mp4v"), (".mkv", "mp4v")],
)
def test_a_video_whose_end_is_missing_is_refused(tmp_path, suffix, code):
    path = tmp_path / f"a{suffix}"
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter.fourcc(*code), 10, (70, 46)
    )
    if not writer.isOpened():
        pytest.skip(f"this OpenCV writes no {code} in {suffix}")
    for frame in FRAMES:
        writer.write(frame)
    writer.release()
    assert count(path) == 5
    content = path.read_bytes()
    # What a phone appends is passed over.
    path.write_bytes(content + b"SEFT" * 10)
    assert count(path) == 5
    for length in (len(content) - 20, len(content) // 2, 40, 8, 1, 0):
        path.write_bytes(content[:length])
        with pytest.raises(datasets.DatasetError, match=path.name):
            videos.open_video(path)


def test_nothing_is_left_of_a_video_that_was_not_written(tmp_path, monkeypatch):
    path = tmp_path / "a.mp4"
    for frames, error, message in (
        ([], ValueError, "no frames"),
        ([np.zeros((1, 1, 3), "uint8")], OSError, "a.mp4.*1x1 pixels"),
    ):
        with pytest.raises(error, match=message):
            videos.write_video(path, frames, 25)

    # OpenCV says nothing where the disk is full.
    class Full:
        fourcc = cv2.VideoWriter.fourcc

        def __init__(self, path, *arguments):
            self.path = path
            self.writer = writer(path, *arguments)

        def __getattr__(self, name):
            return getattr(self.writer, name)

        def release(self):
            self.writer.release()
            os.truncate(self.path, self.left)

    writer = cv2.VideoWriter
    monkeypatch.setattr(cv2, "VideoWriter", Full)
    for left in (0, 600):
        Full.left = left
        with pytest.raises(OSError, match=r"a.mp4 could.*only 0 of 5 frames"):
            videos.write_video(path, FRAMES, 25)
        assert not list(tmp_path.iterdir())


def test_the_command_goes_on_after_a_bad_video(tmp_path, capsys):
    good = write_video(tmp_path / "good.avi", FRAMES)
    bad = tmp_path / "bad.avi"
    bad.write_bytes(good.read_bytes()[:-50])
    (tmp_path / "none.mp4").touch()
    names = ("none.mp4", "bad.avi", "good.avi")
    words = [str(tmp_path / name) for name in names]
    out = tmp_path / "out"
    command = ["predict", *words, "-o", str(out), "--model", "uniform"]
    assert cli.main(command) == 1
    said = capsys.readouterr().err.splitlines()
    assert "none.mp4 cannot be read as a video" in said[0]
    assert "bad.avi is damaged: its end is missing" in said[1]
    assert [path.name for path in out.iterdir()] == ["good.mp4"]
    # A film is written under the name that is given.
    command = ["predict", words[2], "-o", str(tmp_path / "film.mp4")]
    assert cli.main([*command, "--model", "uniform", "--overlay"]) == 0
    assert count(tmp_path / "film.mp4") == 5
    command = ["predict", words[2], "-o", str(tmp_path / "film.avi")]
    assert cli.main([*command, "--model", "uniform"]) == 2
    assert "is written as .mp4" in capsys.readouterr().err
