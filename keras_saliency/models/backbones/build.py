"""Feature extractors: RGB images in, a list of feature maps out."""

import os
from collections.abc import Callable, Sequence

import h5py
import keras
import numpy as np
from keras import layers

from keras_saliency._utils import hdf5
from keras_saliency._utils.checks import check_regular
from keras_saliency._utils.config import plainly
from keras_saliency._utils.types import PathName, Shape
from keras_saliency.layers import ImageNetPreprocessing
from keras_saliency.layers.image_net_preprocessing import application
from keras_saliency.models.arguments import check_input_shape
from keras_saliency.models.backbones import efficientnet_lite

# Where the default rule below would not give the paper's layers.
_FEATURE_LAYERS = {
    "vgg16": ("block3_pool", "block4_pool", "block5_conv3"),
    "vgg19": ("block3_pool", "block4_pool", "block5_conv4"),
}
_STRIDES = (8, 16, 32)
_TINY_LEVELS = ("conv2", "conv3", "conv4")


@plainly
def build(
    name: str,
    input_shape: Sequence[int],
    weights: PathName | None = "imagenet",
    feature_layers: Sequence[str] | None = None,
    tuned_layers: Sequence[str] = (),
) -> tuple[keras.Model, Callable[[list], list]]:
    """Build a frozen backbone for images in 0..255, preprocessing inside.

    With `tuned_layers` it ends where the first of them begins. Its outputs
    are then the levels up to there and, if that is not one of them, the input
    of that layer; the second result computes the levels from them.

    Args:
        name: `"vgg16"`, any other architecture of `keras.applications`, in
            any case; `"efficientnet_lite0"` or `"efficientnet_lite2"`; or
            `"tiny"`: three levels of fixed random convolutions, which need no
            download.
        input_shape: `(height, width, 3)`.
        weights: `"imagenet"`, downloaded by Keras the first time; the path of
            a weights file of the architecture without its top; or `None` for
            random weights. `"tiny"` has its own. EfficientNet-Lite's are read
            from a file, see `efficientnet_lite.read`.
        feature_layers: Names of the layers whose outputs are the levels. For
            VGG-16 conv3_pool, conv4_pool and conv5_conv3; for
            EfficientNet-Lite the ends of the stages 3, 5 and 7; for others
            the last layers at 1/8, 1/16 and 1/32 of the image's size.
        tuned_layers: Names of those of the network's last layers with weights
            that are not to be frozen.

    Returns:
        A `keras.Model` from images `(batch, height, width, 3)`, RGB, 0..255,
        to a list of tensors `(batch, height, width, channels)`, or to a single
        one; and a function from a list of them to the list of levels, which
        makes new, trainable layers with the network's weights.

    Raises:
        ValueError: If there is no such architecture, layer or weights file,
            or if `tuned_layers` are not the last ones of a chain.
    """
    check_input_shape(input_shape, any_size=True)
    names: Sequence[str]
    if name.lower() == "tiny":
        if weights not in ("imagenet", None):
            raise ValueError(
                'The backbone "tiny" has fixed weights of its own; '
                f"backbone_weights={weights!r} cannot be used with it."
            )
        network, names, preprocess = _tiny(input_shape), _TINY_LEVELS, None
    elif name.lower() in efficientnet_lite.VARIANTS:
        network = efficientnet_lite.network(name.lower(), input_shape, weights)
        names = feature_layers or efficientnet_lite.level_names(name.lower())
        preprocess = None
    else:
        network, names, preprocess = _application(
            name, input_shape, weights, feature_layers
        )
    if tuned_layers:
        frozen, levels = _split(network, names, tuned_layers)
    else:
        frozen, levels = names, list
    outputs = [network.get_layer(layer).output for layer in frozen]
    outputs = outputs if len(outputs) > 1 else outputs[0]
    title = f"{name.lower()}_features"
    if preprocess is None:
        model = keras.Model(network.input, outputs, name=title)
    else:
        extractor = keras.Model(network.input, outputs)
        images = keras.Input(tuple(input_shape), name="images")
        model = keras.Model(images, extractor(preprocess(images)), name=title)
    model.trainable = False
    return model, levels


def _application(name, input_shape, weights, feature_layers):
    architecture, _ = application(name)
    try:
        if weights is not None and os.path.exists(weights):
            check_regular(weights)
            if h5py.is_hdf5(weights):
                hdf5.check(weights, most_bytes=2**32, most_objects=2**14)
        network = architecture(
            include_top=False,
            weights=None if weights is None else str(weights),
            input_shape=tuple(input_shape),
        )
    except Exception as error:
        raise ValueError(
            f"The backbone {name!r} could not be made with "
            f"backbone_weights={weights!r} and input_shape={input_shape}: "
            f"{error}"
        ) from error
    names = feature_layers or _FEATURE_LAYERS.get(name.lower(), None)
    if names is None:
        names = _last_layers_by_stride(network, input_shape)
    return network, names, ImageNetPreprocessing(architecture=name.lower())


def _split(network, level_names, tuned):
    """Return the names of the frozen outputs, and a function to levels."""
    chain = network.layers
    names = [layer.name for layer in chain]
    for before, layer in zip(chain, chain[1:], strict=False):
        if layer.input is not before.output:
            raise ValueError(
                f"tuned_layers needs a network whose layers follow each other, "
                f"such as VGG-16; {network.name} has branches at {layer.name}."
            )
    last = max(chain.index(network.get_layer(name)) for name in level_names)
    with_weights = [layer.name for layer in chain[: last + 1] if layer.weights]
    if set(tuned) != set(with_weights[-len(tuned) :]):
        raise ValueError(
            f"tuned_layers must be the last layers of {', '.join(with_weights)}"
            f" in {network.name}, without a gap; received {list(tuned)}."
        )
    first = min(names.index(name) for name in tuned)
    frozen = [name for name in level_names if names.index(name) < first]
    start = names[first - 1]
    if start not in frozen:
        frozen.append(start)

    def levels(features):
        outputs = dict(zip(frozen, features, strict=True))
        x = outputs[start]
        for layer in chain[first : last + 1]:
            copy = type(layer).from_config(layer.get_config())
            x = outputs[layer.name] = copy(x)
            copy.set_weights(layer.get_weights())
        return [outputs[name] for name in level_names]

    return frozen, levels


def _last_layers_by_stride(network, input_shape):
    last: dict[int, str] = {}
    if None in input_shape:
        raise ValueError(
            f"The layers of {network.name} whose features are taken are found "
            "by their size: give input_shape numbers, or name the layers with "
            "feature_layers."
        )
    for layer in network.layers:
        shape: Shape = getattr(layer.output, "shape", ())
        if len(shape) == 4:
            for stride in _STRIDES:
                if shape[1] == -(-input_shape[0] // stride):
                    last[stride] = layer.name
    if not last:
        raise ValueError(
            f"{network.name} has no layer at 1/8, 1/16 or 1/32 of the image's "
            "size; name the layers with feature_layers."
        )
    return [last[stride] for stride in _STRIDES if stride in last]


def _tiny(input_shape):
    images = keras.Input(tuple(input_shape), name="images")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="to_unit_range")(images)
    for index, (filters, stride) in enumerate(
        ((16, 2), (32, 2), (64, 2), (64, 1))
    ):
        x = layers.Conv2D(
            filters,
            3,
            strides=stride,
            padding="same",
            activation="relu",
            name=f"conv{index + 1}",
        )(x)
    model = keras.Model(images, x, name="tiny")
    # Drawn by NumPy, whose numbers are the same on every backend.
    generator = np.random.default_rng(0)
    for layer in model.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            scale = np.sqrt(2.0 / np.prod(kernel.shape[:3]))
            kernel = scale * generator.standard_normal(kernel.shape)
            layer.set_weights([kernel.astype("float32"), bias])
    return model
