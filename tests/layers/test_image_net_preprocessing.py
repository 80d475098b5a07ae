"""The preprocessing of keras.applications as a layer."""

import keras
import numpy as np
import pytest

from keras_saliency import layers

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 4, 6, 3))


@pytest.mark.parametrize(
    ("architecture", "module"),
    [
        ("VGG16", "vgg16"),
        ("resnet50", "resnet"),
        ("MobileNetV2", "mobilenet_v2"),
        ("densenet121", "densenet"),
        ("efficientnetb0", "efficientnet"),
    ],
)
def test_numbers_are_the_function_s(architecture, module):
    images = IMAGES.astype("float32")
    function = getattr(keras.applications, module).preprocess_input
    layer = layers.ImageNetPreprocessing(architecture=architecture)
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(layer(images)),
        keras.ops.convert_to_numpy(function(keras.ops.array(images))),
    )
    # The function itself changes an array that it is given.
    np.testing.assert_array_equal(images, IMAGES)


def test_a_symbolic_image_in_half_precision_keeps_its_type(tmp_path):
    images = keras.Input((4, 6, 3))
    layer = layers.ImageNetPreprocessing(
        architecture="vgg16", dtype="mixed_float16"
    )
    model = keras.Model(images, layer(images))
    assert model.output.dtype == "float32"
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    expected = IMAGES[..., ::-1] - np.array([103.939, 116.779, 123.68])
    for each in (model, loaded):
        np.testing.assert_allclose(
            each.predict_on_batch(IMAGES), expected, rtol=1e-5
        )


def test_what_is_no_architecture():
    with pytest.raises(ValueError, match="no backbone 'vgg17'.*VGG16"):
        layers.ImageNetPreprocessing(architecture="vgg17")
