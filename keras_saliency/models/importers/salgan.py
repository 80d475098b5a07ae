"""SalGAN's released weights, a `.npz` file."""

from typing import Literal

from keras import layers

from keras_saliency._utils.types import PathName
from keras_saliency.models.importers import _files, _lasagne
from keras_saliency.models.salgan import SalGAN

FLIP_FILTERS = ("decoder", "all", "none")


def load_salgan_weights(
    model: SalGAN,
    path: PathName,
    *,
    flip_filters: Literal["decoder", "all", "none"] = "decoder",
) -> SalGAN:
    """Load the authors' weights of the generator (`gen_modelWeights*.npz`).

    The file has the 54 arrays `arr_0` to `arr_53`: kernel and bias of each
    convolution from conv1_1 to the output, as Lasagne's
    `get_all_param_values` gives them.

    Args:
        model: A `SalGAN`. Its input may have any size.
        path: The file.
        flip_filters: Layers whose kernels Lasagne turned by 180 degrees:
            `"decoder"` as in the authors' code, where the encoder takes
            VGG-16's weights without turning them; `"all"` or `"none"` for
            files made with other layers (Lasagne's layers on cuDNN never turn
            them).

    See `models.importers` for what is returned and raised.
    """
    if flip_filters not in FLIP_FILTERS:
        raise ValueError(
            f"flip_filters must be one of {FLIP_FILTERS}, "
            f"received {flip_filters!r}."
        )
    convolutions = [
        layer for layer in model.layers if isinstance(layer, layers.Conv2D)
    ]
    shapes = [
        shape
        for layer in convolutions
        for shape in _files.convolution_shapes(layer)
    ]
    arrays = _lasagne.read(path, shapes, "SalGAN's generator")
    for layer, kernel, bias in zip(
        convolutions, arrays[::2], arrays[1::2], strict=True
    ):
        flipped = flip_filters == "all" or (
            flip_filters == "decoder" and not layer.name.startswith("block")
        )
        layer.set_weights([_files.convolution_kernel(kernel, flipped), bias])
    return model
