import cv2
import numpy as np
import pytest

from keras_saliency import images
from keras_saliency.datasets import generate


def _write(path, image):
    assert cv2.imwrite(str(path), image)
    return path


@pytest.fixture
def photo():
    return np.random.default_rng(0).integers(0, 255, (30, 40, 3), "uint8")


def test_channels_come_as_red_green_blue(tmp_path):
    image = np.zeros((4, 4, 3), "uint8")
    image[..., 2] = 200  # OpenCV writes blue, green, red
    read = images.read_image(_write(tmp_path / "a.png", image))
    assert read[0, 0].tolist() == [200, 0, 0]


def test_gray_transparent_and_16_bit_images(tmp_path, photo):
    gray = _write(tmp_path / "gray.png", photo[..., 0])
    np.testing.assert_array_equal(
        images.read_image(gray)[..., 1], photo[..., 0]
    )
    clear = np.dstack([photo, photo[..., :1]])
    assert images.read_image(_write(tmp_path / "c.png", clear)).shape[2] == 3
    deep = _write(tmp_path / "deep.png", photo.astype("uint16") * 256)
    np.testing.assert_allclose(
        images.read_image(deep)[..., ::-1], photo, atol=1
    )


def test_map_keeps_16_bits(tmp_path):
    deep = np.array([[0, 1], [500, 65535]], "uint16")
    np.testing.assert_array_equal(
        images.read_map(_write(tmp_path / "deep.png", deep)), deep
    )


@pytest.mark.parametrize("extension", ["jpg", "png", "bmp", "tif", "webp"])
def test_truncated_images_are_refused(tmp_path, photo, extension):
    path = _write(tmp_path / f"a.{extension}", photo)
    data = path.read_bytes()
    for keep in (0.3, 0.6, 0.95):
        path.write_bytes(data[: int(len(data) * keep)])
        with pytest.raises(
            ValueError, match=rf"a\.{extension}.*cannot be read"
        ):
            images.read_image(path)


def test_other_contents_are_refused(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"<html>404</html>")
    with pytest.raises(ValueError, match=r"a\.jpg.*another format"):
        images.read_image(path)
    with pytest.raises(ValueError, match=r"a\.jpg"):
        images.image_size(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"a\.jpg is empty"):
        images.read_image(path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"a\.jpg"):
        images.read_image(path)
    with pytest.raises(ValueError, match="cannot be read"):
        images.read_image(tmp_path)


@pytest.mark.parametrize("extension", ["jpg", "png", "bmp", "tif", "webp"])
def test_size_without_decoding(tmp_path, photo, extension):
    path = _write(tmp_path / f"a.{extension}", photo)
    assert tuple(images.image_size(path)) == (30, 40)


def test_rotation_in_exif_is_applied(tmp_path, photo):
    path = _write(tmp_path / "a.jpg", photo)
    data = path.read_bytes()
    # One TIFF directory with one entry: tag 0x0112 (orientation), SHORT, 6.
    tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    exif = b"Exif\0\0" + tiff
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    path.write_bytes(data[:2] + segment + data[2:])
    assert images.read_image(path).shape == (40, 30, 3)
    assert tuple(images.image_size(path)) == (40, 30)


def test_damaged_jpeg_header_has_no_size(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00")
    with pytest.raises(ValueError, match=r"a\.jpg"):
        images.image_size(path)


@pytest.mark.parametrize("size", [(15, 20), (60, 80), (15, 80), (60, 20)])
def test_resize_keeps_type_mean_and_channels(photo, size):
    for array in (photo, photo[..., 0].astype("float32"), photo[..., :1]):
        resized = images.resize(array, size)
        assert resized.shape == (*size, *array.shape[2:])
        assert resized.dtype == array.dtype
        assert resized.mean() == pytest.approx(array.mean(), abs=4)


def test_shrinking_one_side_averages_it():
    stripes = np.tile([0.0, 1.0], 20).astype("float32")[None].repeat(2, 0)
    resized = images.resize(stripes, (8, 20))
    np.testing.assert_allclose(resized, 0.5)


@pytest.mark.parametrize(
    "name, expected",
    [
        ("a.JPEG", "a"),
        ("a.v2", "a.v2"),
        ("a.b.png", "a.b"),
        ("Action/001.jpg", "Action/001"),
        (".jpg", ".jpg"),
        ("001", "001"),
    ],
)
def test_stem(name, expected):
    assert images.stem(name) == expected


def test_npy_maps(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.ones((3, 4, 1)))
    assert images.read_map(path).shape == (3, 4)
    assert images.image_size(path) == (3, 4)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match=r"a\.npy cannot be read"):
        images.read_map(path)
    path.write_bytes(b"no array")
    with pytest.raises(ValueError, match=r"a\.npy cannot be read"):
        images.image_size(path)
    np.save(path, np.ones((3, 4, 2)))
    for function in (images.read_map, images.image_size):
        with pytest.raises(ValueError, match=r"a\.npy must"):
            function(path)
    np.save(path, np.array([{}, {}]))
    with pytest.raises(ValueError, match=r"a\.npy"):
        images.read_map(path)


@pytest.mark.parametrize(
    "value, message", [(np.nan, "NaN"), (np.inf, "infinite"), (-1, "negative")]
)
def test_values_a_map_cannot_have(tmp_path, value, message):
    array = np.ones((3, 4))
    array[1, 2] = value
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(ValueError, match=rf"a\.npy holds .*{message}"):
        images.read_map(tmp_path / "a.npy")


def test_digest_follows_content(tmp_path, photo):
    first = _write(tmp_path / "a.png", photo)
    second = _write(tmp_path / "b.png", photo)
    assert images.digest(first) == images.digest(second)
    _write(second, 255 - photo)
    assert images.digest(first) != images.digest(second)
    assert images.digest(photo) != images.digest(photo[::-1])
    assert images.digest(photo) != images.digest(photo.reshape(40, 30, 3))


def test_images_shrink_linearly_below_two_and_by_area_from_two_on():
    photo = np.random.default_rng(0).integers(0, 255, (60, 80, 3), "uint8")
    for size, interpolation in (
        ((31, 41), cv2.INTER_LINEAR),
        ((30, 41), cv2.INTER_AREA),
        ((31, 40), cv2.INTER_AREA),
    ):
        wanted = cv2.resize(photo, size[::-1], interpolation=interpolation)
        np.testing.assert_array_equal(images.resize(photo, size), wanted)
    # Maps keep their sum.
    map_ = photo[..., 0].astype("float32")
    wanted = cv2.resize(map_, (41, 31), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(images.resize(map_, (31, 41)), wanted)


def test_linear_shrinking_is_close_to_averaging():
    """Less than a gray level, as `resize` promises."""
    photo = generate(1, (384, 512)).image(0)
    averaged = cv2.resize(photo, (400, 300), interpolation=cv2.INTER_AREA)
    linear = images.resize(photo, (300, 400))
    assert (linear != averaged).any()
    assert np.abs(linear.astype(float) - averaged).mean() < 1


@pytest.mark.parametrize("size", [(20, 30), (40, 50), (30, 20), (24, 32)])
def test_resizes_into_a_given_array(size):
    image = np.random.default_rng(0).integers(0, 255, (24, 32, 3), "uint8")
    batch = np.zeros((2, *size, 3), "uint8")
    result = images.resize(image, size, out=batch[1])
    np.testing.assert_array_equal(batch[1], images.resize(image, size))
    assert np.shares_memory(result, batch) and not batch[0].any()


@pytest.mark.parametrize(
    "out",
    [
        np.zeros((20, 31, 3), "uint8"),
        np.zeros((20, 30, 3), "float32"),
        np.zeros((20, 60, 3), "uint8")[:, ::2],
    ],
)
def test_refuses_an_array_that_it_cannot_write_to(out):
    image = np.zeros((24, 32, 3), "uint8")
    with pytest.raises(ValueError, match=r"out must be .* \(20, 30, 3\)"):
        images.resize(image, (20, 30), out=out)
