"""EfficientNet-Lite against its description and its own class scores."""

import keras
import numpy as np
import pytest

from keras_saliency import datasets, models
from keras_saliency.models.backbones import build, efficientnet_lite
from keras_saliency.models.backbones.torch_file import read_arrays

LITE0 = "efficientnet_lite0"


def test_sizes_are_those_of_the_description():
    images = keras.Input((240, 320, 3))
    outputs, convolutions = efficientnet_lite.features(images, LITE0)
    assert [tuple(output.shape[1:]) for output in outputs] == [
        (120, 160, 16),
        (60, 80, 24),
        (30, 40, 40),
        (15, 20, 80),
        (15, 20, 112),
        (8, 10, 192),
        (8, 10, 320),
    ]
    # 49 convolutions: the stem, one block of two, fifteen of three.
    assert len(convolutions) == 1 + 2 + 15 * 3


def forward(arrays, image):
    """Return the class scores of the published network, written apart.

    Normalizations are not folded, and convolutions are sums over the places
    of their kernels.
    """

    def convolution(x, kernel, strides):
        out, _, rows, columns = kernel.shape
        depthwise = kernel.shape[1] == 1 and out == x.shape[-1]
        sizes = [-(-n // strides) for n in x.shape[:2]]
        pads = [
            max((size - 1) * strides + side - n, 0)
            for size, side, n in zip(
                sizes, (rows, columns), x.shape[:2], strict=True
            )
        ]
        x = np.pad(x, [*((p // 2, p - p // 2) for p in pads), (0, 0)])
        total = 0.0
        for i in range(rows):
            for j in range(columns):
                part = x[i::strides, j::strides][: sizes[0], : sizes[1]]
                weights = kernel[:, :, i, j]
                total = total + (
                    part * weights[:, 0] if depthwise else part @ weights.T
                )
        return total

    def normalized(x, name):
        gamma, beta, mean, variance = (
            arrays[f"{name}.{part}"]
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        return (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta

    def relu6(x):
        return np.clip(x, 0, 6)

    x = (image.astype("float64") - 127) / 128
    x = convolution(x, arrays["_conv_stem.weight"], 2)
    x = relu6(normalized(x, "_bn0"))
    # The first blocks of the stages that halve.
    halving = {1, 3, 5, 11}
    for number in range(16):
        name, y = f"_blocks.{number}", x
        if number:
            kernel = arrays[f"{name}._expand_conv.weight"]
            y = relu6(normalized(convolution(y, kernel, 1), f"{name}._bn0"))
        kernel = arrays[f"{name}._depthwise_conv.weight"]
        y = convolution(y, kernel, 2 if number in halving else 1)
        y = relu6(normalized(y, f"{name}._bn1"))
        kernel = arrays[f"{name}._project_conv.weight"]
        y = normalized(convolution(y, kernel, 1), f"{name}._bn2")
        x = x + y if y.shape == x.shape else y
    x = convolution(x, arrays["_conv_head.weight"], 1)
    x = relu6(normalized(x, "_bn1")).mean((0, 1))
    return scores(arrays, x)


def scores(arrays, mean):
    logits = arrays["_fc.weight"] @ mean + arrays["_fc.bias"]
    exponential = np.exp(logits - logits.max())
    return exponential / exponential.sum()


def test_class_scores_of_an_image(efficientnet_weights, mit1003_path):
    arrays = read_arrays(efficientnet_weights)
    image = datasets.load_path(mit1003_path).image(0, (224, 224))
    model, _ = build(LITE0, (224, 224, 3), efficientnet_weights)
    assert not model.trainable_variables
    last = model(image[None].astype("float32"))[-1]
    # The network's head, which a feature extractor has no use for.
    (kernel, bias) = efficientnet_lite.folded(
        arrays["_conv_head.weight"][:, :, 0, 0].T,
        0.0,
        [
            arrays[f"_bn1.{part}"]
            for part in ("weight", "bias", "running_mean", "running_var")
        ],
        1e-3,
    )
    last = keras.ops.convert_to_numpy(last)[0]
    found = scores(arrays, np.clip(last @ kernel + bias, 0, 6).mean((0, 1)))
    expected = forward(arrays, image)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert expected.max() > 0.05


def test_baseline_takes_it(tmp_path):
    model = models.Baseline((64, 96, 3), backbone=LITE0, backbone_weights=None)
    assert model.map_size == (8, 12)
    with pytest.raises(ValueError, match="there is no file 'nothing'"):
        models.Baseline((64, 96, 3), backbone=LITE0, backbone_weights="nothing")
    (tmp_path / "file.pth").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="is no file of tensors"):
        models.Baseline(
            (64, 96, 3), backbone=LITE0, backbone_weights=tmp_path / "file.pth"
        )
