"""Videos are read whole and written whole; cameras and streams end well."""

import os
import signal
import sys
from collections import deque

import cv2
import numpy as np
import pytest
from media import PICTURE, write_video

from keras_saliency import cli, datasets, predict, prediction, videos
from keras_saliency._utils import console

FRAMES = [np.roll(PICTURE, 9 * k, axis=1) for k in range(5)]

VOP = b"\x00\x00\x01\xb6"


def count(path):
    return len(list(videos.open_video(path).frames))


@pytest.mark.parametrize("rate", [1, 23.976, 25, 120])
def test_what_is_written_is_read(tmp_path, rate):
    path = tmp_path / "deep/a.mp4"
    # Gray and other sizes are taken too; none is lost.
    frames = [*FRAMES, FRAMES[0][..., 0], FRAMES[0][:20, :30]]
    assert videos.write_video(path, iter(frames), rate) == 7
    assert [p.name for p in path.parent.iterdir()] == ["a.mp4"]
    video = videos.open_video(path)
    assert video.count == 7 and not video.live
    assert len(list(video.frames)) == 7
    assert video.rate == pytest.approx(rate, rel=1e-3)
    # Red stays red.
    red = np.zeros((32, 48, 3), "uint8")
    red[..., 0] = 250
    videos.write_video(path, [red], rate)
    (frame,) = videos.open_video(path).frames
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


class Camera:
    """As `cv2.VideoCapture` of a camera, which sends frames without end."""

    opened = ()

    def __init__(self, *source):
        Camera.opened, self.sent = source, 0

    def get(self, what):
        sides = {cv2.CAP_PROP_FRAME_HEIGHT: 46, cv2.CAP_PROP_FRAME_WIDTH: 70}
        return {**sides, cv2.CAP_PROP_FPS: 10.0}.get(what, -1.0)

    def read(self):
        self.sent += 1
        if self.sent == self.stops_at:
            signal.raise_signal(signal.SIGINT)
        return True, FRAMES[self.sent % 5].copy()

    def release(self):
        Camera.opened = None


@pytest.fixture
def camera(monkeypatch):
    monkeypatch.setattr(Camera, "stops_at", 0, raising=False)
    files = cv2.VideoCapture
    monkeypatch.setattr(
        cv2,
        "VideoCapture",
        lambda *source: (
            files(*source) if isinstance(source[0], str) else Camera(*source)
        ),
    )
    # Frames come as fast as they are asked for.
    monkeypatch.setattr(videos, "in_time", lambda frames, times, rate: frames)
    return Camera


def test_a_camera_is_recorded_for_a_time(camera, tmp_path, capsys):
    words = ["predict", "2", "-o", str(tmp_path), "--model", "uniform"]
    for more, frames in (
        (["--duration", "0.4"], 4),
        (["--frames", "3", "--duration", "9"], 3),
    ):
        assert cli.main([*words, *more]) == 0
        assert capsys.readouterr().out.strip() == str(tmp_path / "camera2.mp4")
        assert count(tmp_path / "camera2.mp4") == frames
        assert camera.opened is None  # released
    # A file of that name is none.
    (tmp_path / "2").touch()
    assert cli.predict.source(str(tmp_path / "2")) == tmp_path / "2"
    for options in ({}, {"smooth": 0.5, "every": 2}):
        maps = predict(0, "uniform", **options)
        assert next(maps).shape == (46, 70) and camera.opened == (0,)
        maps.close()
        assert camera.opened is None


def test_ctrl_c_ends_a_camera_and_its_file_is_whole(camera, tmp_path):
    camera.stops_at = 6
    before = signal.getsignal(signal.SIGINT)
    words = ["predict", "0", "-o", str(tmp_path / "a.mp4"), "--model"]
    assert cli.main([*words, "uniform", "--overlay"]) == 0
    assert count(tmp_path / "a.mp4") == 5
    assert signal.getsignal(signal.SIGINT) is before
    # Of a file Ctrl-C leaves nothing.
    path = write_video(tmp_path / "b.avi", FRAMES)

    def stopped(frames):
        yield next(frames)
        signal.raise_signal(signal.SIGINT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            prediction.Predictor, "outcomes", lambda self, f: stopped(f)
        )
        words = ["predict", str(path), "-o", str(tmp_path / "b.mp4")]
        assert cli.main([*words, "--model", "uniform"]) != 0
    assert not (tmp_path / "b.mp4").exists()


def test_a_stream_by_its_address(server, tmp_path, capfd):
    path = write_video(tmp_path / "film.avi", FRAMES)
    server.files["/film.avi"] = path.read_bytes()
    address = f"{server.url}/film.avi"
    video = videos.open_video(address)
    assert video.rate == 10 and len(list(video.frames)) == 5
    out = tmp_path / "out"
    words = ["predict", address, "-o", str(out), "--model", "uniform"]
    assert cli.main(words) == 0
    assert count(out / "film.mp4") == 5
    address = address.replace("://", "://user:secret@") + ".gone"
    with pytest.raises(
        datasets.DatasetError, match="cannot be opened"
    ) as error:
        videos.open_video(address)
    assert "secret" not in str(error.value)
    assert videos.name_of("rtsp://user:secret@host:9/") == "host"
    assert videos.name_of("rtsp://host/live stream") == "live_stream"
    assert not videos.is_stream("https://host/a.JPG") and not videos.is_stream(
        True
    )
    capfd.readouterr()


def test_a_camera_that_is_not_there():
    with pytest.raises(datasets.DatasetError, match="camera 99 cannot be"):
        videos.open_video(99)


def test_live_frames_keep_the_time():
    times = deque([0.0, 0.1, 0.2, 0.7, 0.8, 0.81, 0.82, 0.83, 0.84])
    given = list(videos.in_time(iter("abcdefghi"), times, 10))
    assert not times
    # d came when four were missing; what comes far too early is left out.
    assert given[:3] == list("abc") and given.count("d") == 5
    assert 8 <= given.index("e") and given[-1] != "i"


@pytest.mark.parametrize("every", [1, 4])
@pytest.mark.parametrize("live", [False, True])
def test_maps_that_come_in_batches_keep_the_time_of_their_frames(every, live):
    now, taken = 0.0, []

    def camera():
        nonlocal now
        for k in range(40):
            now = k / 25
            taken.append(k)
            yield np.full((32, 48, 3), k, "uint8")

    times = deque()
    outcomes = prediction.outcomes_of_frames(
        prediction.Predictor("bundled", batch_size=8),
        videos.noting(camera(), times, clock=lambda: now),
        every,
        live=live,
    )
    ahead = []

    def shown():
        for outcome in outcomes:
            number = int(outcome.image[0, 0, 0])
            ahead.append(taken[-1] - number)
            yield number

    assert list(videos.in_time(shown(), times, 25)) == list(range(40))
    if live:
        cores = os.cpu_count() or 1
        assert max(ahead) <= (max(4, cores + 2) + 1) * every


def test_smoothing(tmp_path):
    maps = [np.zeros((4, 5), "float32") for _ in range(3)]
    maps[0][0, 0] = maps[1][1, 1] = maps[2][1, 1] = 1
    smooth = prediction.Smoothing(0.5, 4)
    w = np.exp(-1 / (4 * 0.5))
    first, second, third = map(smooth, maps)
    np.testing.assert_array_equal(first, maps[0])
    # Frame 1 has w of the old place and 1 - w of the new one.
    assert w > 0.5 and second[0, 0] == 1
    assert second[1, 1] == pytest.approx((1 - w) / w, rel=1e-6)
    assert third[0, 0] == pytest.approx(w * w / (1 - w * w), rel=1e-6)
    assert third[1, 1] == 1 and third is not second
    assert smooth(np.ones((2, 2), "float32")).min() == 1  # begins anew
    for bad in ((0, 4), (1, 0), (np.nan, 4)):
        with pytest.raises(ValueError, match="must be a number above 0"):
            prediction.Smoothing(*bad)
    path = write_video(tmp_path / "a.avi", FRAMES)
    own = prediction.Smoothing(0.3, 10)
    for ours, map_ in zip(
        predict(path, "spectral_residual", smooth=0.3),
        predict(path, "spectral_residual"),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, own(map_))
    with pytest.raises(ValueError, match="smooth is for videos"):
        predict(PICTURE, "uniform", smooth=1)


class Counting:
    """Its map of a frame has one pixel, at the number of the frame."""

    def __init__(self):
        self.seen = []

    def saliency_map(self, frame):
        self.seen.append(int(frame[0, 0, 0]))
        return np.eye(1, 12, self.seen[-1], dtype="float32")


def numbered(count):
    return [np.full((1, 12, 3), k, "uint8") for k in range(count)]


@pytest.mark.parametrize("batch_size", [1, 8])
def test_maps_between_the_frames_that_the_network_saw(batch_size):
    model = Counting()
    predictor = prediction.Predictor(model, batch_size=batch_size)
    outcomes = list(
        prediction.outcomes_of_frames(predictor, numbered(9), every=3)
    )
    assert model.seen == [0, 3, 6]
    assert [int(o.image[0, 0, 0]) for o in outcomes] == list(range(9))
    places = np.eye(12, dtype="float32")
    for k, expected in (
        (0, places[0]),
        (1, places[0] + places[3] / 2),
        (2, places[0] / 2 + places[3]),
        (3, places[3]),
        (5, places[3] / 2 + places[6]),
        # Nothing comes after the last.
        (7, places[6]),
        (8, places[6]),
    ):
        np.testing.assert_allclose(outcomes[k].get()[0], expected, rtol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("every", [1, 2, 4, 7])
def test_every_frame_has_a_map(count, every):
    given = prediction.outcomes_of_frames(
        prediction.Predictor(Counting()), iter(numbered(count)), every
    )
    assert [int(o.image[0, 0, 0]) for o in given] == list(range(count))


def test_batches_of_a_network_that_sees_some_frames():
    frames = [np.roll(PICTURE, 5 * k, axis=1) for k in range(23)]
    predictor = prediction.Predictor("bundled", batch_size=4)
    alone = [predictor(frame) for frame in frames]
    given = prediction.outcomes_of_frames(predictor, frames, every=2)
    for k, (outcome, frame) in enumerate(zip(given, frames, strict=True)):
        np.testing.assert_array_equal(outcome.image, frame)
        expected = alone[k]
        if k % 2:
            expected = (alone[k - 1] + alone[k + 1]) / 2
            expected /= expected.max()
        np.testing.assert_allclose(outcome.get(), expected, atol=1e-5)


@pytest.mark.parametrize("count", [2, 9, 13])
def test_a_map_that_is_changed_changes_no_other(count):
    def maps():
        predictor = prediction.Predictor(Counting())
        return (
            outcome.get()
            for outcome in prediction.outcomes_of_frames(
                predictor, numbered(min(count, 12)), every=4
            )
        )

    kept = list(maps())
    assert len({id(map_) for map_ in kept}) == len(kept)
    for map_, expected in zip(maps(), kept, strict=True):
        np.testing.assert_array_equal(map_, expected)
        map_ *= 255


def test_frames_of_other_sizes_have_maps_of_their_own_size():
    frames = [PICTURE, PICTURE[:20, :30], PICTURE[:30], PICTURE[:16, :16]]
    outcomes = prediction.outcomes_of_frames(
        prediction.Predictor("spectral_residual"), frames, every=2
    )
    for outcome, frame in zip(outcomes, frames, strict=True):
        assert outcome.get().shape == frame.shape[:2]
        assert outcome.get().max() == 1


def test_no_more_frames_are_read_than_are_wanted(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.avi", 4 * FRAMES)
    read = []
    opened = videos._next
    monkeypatch.setattr(
        videos, "_next", lambda capture: (read.append(1), opened(capture))[1]
    )
    words = ["predict", str(path), "-o", str(tmp_path / "out.mp4")]
    words += ["--model", "uniform", "--every", "50", "--frames", "2"]
    assert cli.main(words) == 0
    read_of_the_film = len(read)
    assert count(tmp_path / "out.mp4") == 2 and read_of_the_film < 9


@pytest.mark.filterwarnings("default")
def test_frames_after_damage_are_read(tmp_path, capsys):
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 256, (96, 128, 3), "uint8")
    texture = cv2.GaussianBlur(texture, (0, 0), 2)
    path = tmp_path / "a.mp4"
    frames = [np.roll(texture, 3 * k, axis=1) for k in range(60)]
    videos.write_video(path, frames, 25)
    content = bytearray(path.read_bytes())
    # MPEG-4 starts each frame with these bytes.
    marks = [i for i in range(len(content)) if content[i:].startswith(VOP)]
    assert len(marks) == 60
    content[marks[30] : marks[33]] = bytes(marks[33] - marks[30])
    path.write_bytes(content)
    with pytest.warns(UserWarning, match=r"frames of the video .*a\.mp4 are"):
        shown = list(videos.open_video(path).frames)
    assert len(shown) == 60
    np.testing.assert_array_equal(shown[31], shown[30])
    assert (shown[50] != shown[49]).any()
    out = tmp_path / "out.mp4"
    words = ["predict", str(path), "-o", str(out), "--model", "uniform"]
    assert cli.main(words) == 0
    assert "are damaged: each shows the one before" in capsys.readouterr().err
    assert count(out) == 60


@pytest.mark.parametrize(
    "limits",
    [
        ("--frames", "99999999999999999999999"),
        ("--duration", "1e300"),
        ("--duration", "1e308"),
    ],
)
def test_limits_beyond_all_films(tmp_path, limits):
    path = write_video(tmp_path / "a.avi", FRAMES)
    words = ["predict", str(path), "-o", str(tmp_path / "out.mp4")]
    assert cli.main([*words, "--model", "uniform", *limits]) == 0
    assert count(tmp_path / "out.mp4") == 5


def test_what_is_no_camera_and_no_time(tmp_path):
    path = write_video(tmp_path / "a.avi", FRAMES)
    for source in (-1, np.int64(-1), True):
        with pytest.raises(ValueError, match="A number is a camera, from 0"):
            predict(source, "uniform")
    with pytest.raises(datasets.DatasetError, match="camera 97 cannot be"):
        predict(np.int64(97), "uniform")
    for smooth in ("1", [1], np.array([1, 2]), True):
        with pytest.raises(ValueError, match="smooth must be a number above"):
            predict(path, "uniform", smooth=smooth)
        with pytest.raises(ValueError, match="smooth is for videos"):
            predict(PICTURE, "uniform", smooth=smooth)


def test_frames_without_a_map_are_an_error_and_every_is_checked(tmp_path):
    class Empty:
        def saliency_map(self, frame):
            return np.full(frame.shape[:2], np.nan)

    predictor = prediction.Predictor(Empty())
    given = prediction.outcomes_of_frames(predictor, numbered(3), 2)
    with pytest.raises(ValueError, match="NaN"):
        next(given).get()
    path = write_video(tmp_path / "a.avi", FRAMES)
    for bad in (0, -1, 1.5, np.nan, 10**400, -(10**400)):
        with pytest.raises(ValueError, match="every must be a whole number"):
            predict(path, "uniform", every=bad)
    with pytest.raises(ValueError, match="every is for videos"):
        predict(PICTURE, "uniform", every=2)
    own = list(predict(path, "spectral_residual"))
    mixed = list(predict(path, "spectral_residual", every=2))
    assert len(own) == len(mixed) == 5
    for k in (0, 2, 4):
        np.testing.assert_array_equal(own[k], mixed[k])
    between = own[0] + own[2]
    np.testing.assert_allclose(mixed[1], between / between.max(), atol=1e-6)
    out = tmp_path / "out.mp4"
    words = ["predict", str(path), "-o", str(out), "--model", "uniform"]
    assert cli.main([*words, "--every", "3", "--smooth", "0.2"]) == 0
    assert count(out) == 5
    with pytest.raises(SystemExit):
        cli.main([*words, "--every", "0"])


def test_a_bar_says_how_far_it_is(monkeypatch, capsys):
    times = iter(np.arange(9) / 2)
    bar = console.Bar("film", 4, clock=lambda: next(times))
    assert list(bar.over("abcd")) == list("abcd")
    assert not capsys.readouterr().err  # no terminal
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert list(bar.over("abcd")) == list("abcd")
    drawn = capsys.readouterr().err.replace("\x1b[K", "").split("\r")
    assert (
        drawn[1] == "film  [#####               ]  1/4 frames  0:02 left  2.0/s"
    )
    assert "4/4 frames" in drawn[-1] and drawn[-1].endswith("\n")
