"""Images as phones, the web and NumPy make them."""

import os
import unicodedata

import cv2
import numpy as np
import pytest

from keras_saliency import datasets, evaluation, images
from keras_saliency.images import headers
from keras_saliency.images.checks import check_image, check_pixels

PHOTO = np.random.default_rng(0).integers(0, 256, (30, 40, 3), "uint8")


def encoded(extension, image, parameters=()):
    good, data = cv2.imencode(extension, image, list(parameters))
    assert good
    return data.tobytes()


@pytest.mark.parametrize(
    "parameters",
    [
        (),
        (cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
        (cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
        (cv2.IMWRITE_JPEG_OPTIMIZE, 1),
    ],
)
def test_film_behind_a_jpeg(tmp_path, parameters):
    """Whatever the film's bytes are; but the photo before it must be whole."""
    jpeg = encoded(".jpg", PHOTO, parameters)
    right = cv2.imdecode(np.frombuffer(jpeg, "uint8"), cv2.IMREAD_COLOR)
    right = cv2.cvtColor(right, cv2.COLOR_BGR2RGB)
    rng = np.random.default_rng(1)
    path = tmp_path / "a.jpg"
    films = [rng.bytes(20_000) for _ in range(20)]
    films += [b"\xff\xda" * 9, b"\xff\xd8\xff\xda", jpeg[:-5], jpeg, b"\0"]
    for film in films:
        path.write_bytes(jpeg + film)
        np.testing.assert_array_equal(images.read_image(path), right)
        assert images.image_size(path) == (30, 40)
    for keep in (0.5, 0.8, 0.99):
        for film in (b"", b"\0\0\0\x18ftypmp42" + bytes(500), jpeg):
            path.write_bytes(jpeg[: int(len(jpeg) * keep)] + film)
            with pytest.raises(ValueError, match=r"a\.jpg.*truncated"):
                images.read_image(path)


def test_thumbnail_in_a_truncated_jpeg(tmp_path):
    """Its end is not the photo's."""
    small, large = encoded(".jpg", PHOTO[:8, :8]), encoded(".jpg", PHOTO)
    segment = b"\xff\xe2" + (len(small) + 2).to_bytes(2, "big") + small
    path = tmp_path / "a.jpg"
    path.write_bytes(large[:2] + segment + large[2:])
    assert images.read_image(path).shape == PHOTO.shape
    path.write_bytes(large[:2] + segment + large[2:-9])
    with pytest.raises(ValueError, match="truncated"):
        images.read_image(path)


@pytest.mark.parametrize("extension", [".gif", ".avif"])
def test_gif_and_avif(tmp_path, extension, monkeypatch):
    path = tmp_path / f"a{extension}"
    if not cv2.haveImageWriter(path.name):
        pytest.skip("OpenCV is built without")
    colors = np.zeros_like(PHOTO)
    colors[:, :20, 0] = colors[:, 20:, 2] = 255
    path.write_bytes(encoded(extension, colors[..., ::-1]))
    read = images.read_image(path)
    assert read.dtype == np.uint8
    assert np.abs(read.astype(int) - colors).mean() < 12
    assert images.image_size(path) == images.image_size(path, exif=False)
    assert images.image_size(path) == (30, 40)
    assert images.read_map(path).shape == (30, 40)
    assert images.stem(path.name) == "a"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=rf"a\{extension}"):
        images.read_image(path)
    # A build of OpenCV without the format.
    monkeypatch.setattr(cv2, "imdecode", lambda *_: None)
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "  GIF: NO\n")
    path.write_bytes(data)
    with pytest.raises(
        ValueError, match=rf"a\{extension}.*has no {extension[1:].upper()}"
    ):
        images.read_image(path)


def test_first_image_of_a_moving_gif(tmp_path):
    if not hasattr(cv2, "imwriteanimation"):
        pytest.skip("this OpenCV writes none")
    film = cv2.Animation()
    film.frames = [np.full((20, 30, 3), level, "uint8") for level in (250, 9)]
    film.durations = np.array([100, 100], "int32")
    assert cv2.imwriteanimation(str(tmp_path / "a.gif"), film)
    assert images.read_image(tmp_path / "a.gif").mean() > 200


@pytest.mark.parametrize("extension", [".png", ".tif", ".ppm"])
def test_16_bits_in_a_file_and_in_an_array(tmp_path, extension):
    path = tmp_path / f"a{extension}"
    deep = PHOTO.astype("uint16") * 257
    path.write_bytes(encoded(extension, deep[..., ::-1]))
    np.testing.assert_array_equal(images.read_image(path), PHOTO)
    np.testing.assert_array_equal(check_image(deep), PHOTO)


@pytest.mark.parametrize("peak", [15, 100, 1023, 4095])
def test_pnm_has_its_own_white(tmp_path, peak):
    path = tmp_path / "a.pgm"
    values = np.array([0, peak // 3, peak], ">u2" if peak > 255 else "u1")
    path.write_bytes(b"P5 3 1 %d\n" % peak + values.tobytes())
    right = np.rint(values / peak * 255)
    np.testing.assert_array_equal(images.read_image(path)[0, :, 1], right)
    text = " ".join(map(str, values))
    path.write_text(f"P2\n# white is\n3 1\n{peak}\n{text}\n")
    np.testing.assert_array_equal(images.read_image(path)[0, :, 1], right)


@pytest.mark.parametrize(
    "dtype", "int8 int16 int32 int64 uint32 uint64".split()
)
def test_integers_are_0_to_255(dtype):
    image = PHOTO // 2
    read = check_image(image.astype(dtype))
    np.testing.assert_array_equal(read, image)
    assert read.dtype == np.uint8
    with pytest.raises(ValueError, match=r"0\.\.255.*received .*\.\."):
        check_image(image.astype("int64") * 4)
    with pytest.raises(ValueError, match=r"-1\.\."):
        check_image(image.astype("int64") - 1)


def test_floats_are_0_to_255_or_0_to_1():
    for dtype, error in (("float16", 0.1), ("float32", 1e-4), ("float64", 0)):
        wide = PHOTO.astype(dtype)
        np.testing.assert_array_equal(check_image(wide), PHOTO)
        narrow = check_image((PHOTO / 255).astype(dtype))
        np.testing.assert_allclose(narrow, PHOTO, atol=max(error, 1e-12))
        # What is right already stays as it is.
        np.testing.assert_array_equal(check_image(narrow), narrow)
    dark = np.full((4, 5, 3), 1e-6, "float32")
    np.testing.assert_array_equal(check_image(check_image(dark)), dark)
    for bad in (np.nan, np.inf, -0.5, 255.5):
        wide = PHOTO.astype("float32")
        wide[3, 4, 1] = bad
        with pytest.raises(ValueError, match=r"0\.\.255.*received float32"):
            check_image(wide)


def test_bool_gray_and_lists():
    mask = PHOTO > 128
    np.testing.assert_array_equal(check_image(mask), 255 * mask)
    for gray in (PHOTO[..., 0], PHOTO[..., :1], PHOTO[..., 0].tolist()):
        np.testing.assert_array_equal(
            check_image(gray), np.stack([PHOTO[..., 0]] * 3, -1)
        )
    assert check_image(PHOTO) is PHOTO


@pytest.mark.parametrize(
    "image, message",
    [
        (PHOTO.astype("uint16"), "received uint16 in 0..255"),
        (PHOTO.astype("complex64"), "received the type complex64"),
        (np.full((4, 5, 3), "a"), "received the type <U1"),
        (np.full((4, 5, 3), None), "received the type object"),
        (np.zeros((2, 4, 5, 3)), "one by one"),
        (np.zeros((4, 5, 4)), r"image\[\.\.\., :3\]"),
        (np.zeros((3, 4, 5)), "moveaxis"),
        (np.zeros((0, 5)), r"received the shape \(0, 5\)"),
        (np.zeros(5), r"received the shape \(5,\)"),
        ([[1, 2], [3]], "received list"),
    ],
)
def test_what_is_no_image(image, message):
    with pytest.raises(ValueError, match=message):
        check_image(image)


def test_pil_images_with_a_palette():
    pil = pytest.importorskip("PIL.Image")
    flat = np.repeat(PHOTO[:4, :4], 3, axis=0)
    image = pil.fromarray(flat)
    for mode in ("RGB", "RGBA"):
        np.testing.assert_array_equal(check_image(image.convert(mode)), flat)
    few = image.quantize(16)
    np.testing.assert_array_equal(check_image(few), few.convert("RGB"))


@pytest.mark.parametrize(
    "mode", ["YCbCr", "HSV", "LAB", "RGBX", "RGBa", "PA", "P"]
)
def test_pil_images_in_other_colors(mode):
    pil = pytest.importorskip("PIL.Image")
    ys, xs = np.mgrid[:40, :50]
    smooth = np.stack([4 * xs, 5 * ys, 2 * (xs + ys)], -1).astype("uint8")
    image = pil.fromarray(smooth)
    if mode == "LAB":
        cms = pytest.importorskip("PIL.ImageCms")
        profiles = cms.createProfile("sRGB"), cms.createProfile("LAB")
        image = cms.profileToProfile(image, *profiles, outputMode="LAB")
    else:
        between = {"RGBa": "RGBA", "PA": "P"}.get(mode, "RGB")
        image = image.convert(between).convert(mode)
    assert image.mode == mode
    ours = check_image(image)
    assert ours.shape == smooth.shape
    difference = np.abs(ours.astype(int) - smooth)
    # A palette has few colors.
    assert difference.mean() < (20 if "P" in mode else 2)


def test_gray_pil_images():
    pil = pytest.importorskip("PIL.Image")
    gray = PHOTO[..., :1].repeat(3, -1)
    image = pil.fromarray(PHOTO[..., 0])
    for mode in ("L", "I", "LA"):
        np.testing.assert_array_equal(check_image(image.convert(mode)), gray)
    clear = image.convert("LA").convert("La")
    np.testing.assert_array_equal(check_image(clear), gray)
    deep = PHOTO[..., 0].astype("uint16") * 256
    for kind in ("<u2", ">u2"):
        given = pil.fromarray(deep.astype(kind))
        assert given.mode.startswith("I;16")
        np.testing.assert_array_equal(check_image(given), gray)
        np.testing.assert_array_equal(check_image(deep.astype(kind)), gray)


def test_arrays_of_a_data_set_pass_the_same_gate():
    fixations = datasets.Fixations([0, 1], [1, 2], [1, 2])
    given = [(PHOTO / 255).astype("float32"), PHOTO[..., 0] > 9]
    dataset = datasets.SaliencyDataset("mine", given, fixations=fixations)
    np.testing.assert_array_equal(dataset.image(0), PHOTO)
    assert dataset.image(1).max() == 255
    assert dataset.sizes.tolist() == [[30, 40]] * 2
    floats = np.maximum(PHOTO - 0.4, 0)
    np.testing.assert_array_equal(check_pixels(floats), PHOTO)


def test_limit_of_size_says_what_to_do(tmp_path):
    path = tmp_path / "a.png"
    data = bytearray(encoded(".png", PHOTO))
    data[16:24] = (9000).to_bytes(4, "big") * 2
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.png.*8192 x 8192.*Reduce it"):
        images.read_image(path)
    assert headers.MAX_PIXELS == 8192**2


def test_composed_and_decomposed_names(tmp_path):
    """macOS decomposes accents, other systems do not."""
    composed, apart = (
        unicodedata.normalize(form, "caf\u00e9 \u00c5")
        for form in ("NFC", "NFD")
    )
    for k, folder in enumerate(("images", "maps", "results")):
        name = (composed, apart, apart)[k]
        (tmp_path / folder / name).mkdir(parents=True)
        file = tmp_path / folder / name / f"{name}.png"
        file.write_bytes(encoded(".png", PHOTO))
    dataset = datasets.load_folder(tmp_path / "images", tmp_path / "maps")
    assert dataset.names == (f"{composed}/{composed}",)
    for name in (f"{apart}/{apart}", f"{composed}/{composed}.png"):
        assert dataset.index(name) == 0
    result = evaluation.evaluate(tmp_path / "results", dataset, metrics=["cc"])
    assert len(result) == 1
    points = datasets.Fixations([0], [1], [1])
    for name in (composed, apart):
        mine = datasets.SaliencyDataset(
            "mine", [PHOTO], names=[name], fixations=points
        )
        assert mine.names == (composed,)
        copy = tmp_path / f"copy-{len(name)}"
        datasets.to_compact(mine, copy, progress=False)
        (written,) = (copy / "stimuli").iterdir()
        written.rename(written.with_name(f"{apart}.jpg"))
        assert datasets.load_compact(copy).names == (composed,)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
def test_pipes_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a\.png.*pipe"):
        images.read_image(tmp_path / "a.png")
