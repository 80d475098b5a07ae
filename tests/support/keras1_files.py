"""Weight files as Keras 1 on Theano wrote them for SAM and ML-Net."""

import h5py
import keras
import numpy as np


def write(path, layers, whole_model=False):
    """Write `(name, [(name of the weight, array), ...])` of each layer."""
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights") if whole_model else file
        root.attrs["layer_names"] = [name.encode() for name, _ in layers]
        for layer, weights in layers:
            group = root.create_group(layer)
            group.attrs["weight_names"] = np.array(
                [name.encode() for name, _ in weights], dtype="S40"
            )
            for name, array in weights:
                group[name] = array


def convolution(name, kernel, bias=None, flip=True):
    """Kernel `(rows, columns, channels, filters)` as Theano has it."""
    kernel = np.asarray(kernel).transpose(3, 2, 0, 1)
    if flip:
        kernel = kernel[:, :, ::-1, ::-1]
    arrays = [(f"{name}_W", kernel)]
    if bias is not None:
        arrays.append((f"{name}_b", np.asarray(bias)))
    return arrays


def ml_net_layers(model, flip=True):
    """The layers of ML-Net's file, with those that have no weights."""
    layers = [("input_1", [])]
    count = 0
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            count += 1
            name = f"convolution2d_{count}"
            weights = convolution(name, *layer.get_weights(), flip)
            layers.append((name, weights))
        elif isinstance(layer, keras.layers.MaxPooling2D):
            layers.append((f"maxpooling2d_{len(layers)}", []))
    (prior,) = model.get_layer("prior").get_weights()
    layers.append(("eltwiseproduct_1", [("eltwiseproduct_1_W", prior)]))
    return [*layers, ("activation_1", [])]


def sam_layers(model, flip=True):
    """The layers of SAM's file, in the order Keras 1 gave them."""

    def weights(name):
        return model.get_layer(name).get_weights()

    layers = [("input_1", [])]
    for layer in model.layers:
        name = layer.name
        if name.startswith("block") and layer.weights:
            layers.append((name, convolution(name, *weights(name), flip)))
        elif name.endswith("_conv") and name.startswith("conv"):
            old = _resnet_name(name, "conv1", "res")
            layers.append((old, convolution(old, *weights(name), flip)))
        elif name.endswith("_bn"):
            old = _resnet_name(name, "bn_conv1", "bn")
            titles = ("gamma", "beta", "running_mean", "running_std")
            layers.append(
                (
                    old,
                    [
                        (f"{old}_{title}", array)
                        for title, array in zip(
                            titles, weights(name), strict=True
                        )
                    ],
                )
            )
    if any(layer.name == "features" for layer in model.layers):
        name = "convolution2d_1"
        layers.append((name, convolution(name, *weights("features"), flip)))
    layers.append(("input_2", []))
    lstm = _lstm(model.get_layer("attentive_conv_lstm"), flip)
    layers.append(("attentiveconvlstm_1", lstm))
    for index in (1, 2):
        (parameters,) = weights(f"prior{index}_maps")
        name = f"learningprior_{index}"
        layers.append((name, [(f"{name}_W", parameters.ravel())]))
        name = f"atrousconvolution2d_{index}"
        kernel = weights(f"prior{index}_conv")
        layers.append((name, convolution(name, *kernel, flip)))
    # The ConvLSTM's own convolutions were counted in between.
    name = "convolution2d_13"
    layers.append((name, convolution(name, *weights("projection"), flip)))
    return layers


def _resnet_name(name, first, prefix):
    parts = name.split("_")
    if len(parts) == 2:
        return first
    stage, block, branch, _ = parts
    letter = chr(ord("a") + int(block[len("block") :]) - 1)
    branch = ("1", "2a", "2b", "2c")[int(branch)]
    return f"{prefix}{stage[len('conv') :]}{letter}_branch{branch}"


def _lstm(layer, flip):
    n = layer.filters
    arrays = {w.name: np.array(w) for w in layer.weights}

    def part(name, index):
        return arrays[name][..., index * n : (index + 1) * n]

    weights = []

    def add(kernel, bias=None):
        name = f"convolution2d_{len(weights) + 2}"
        weights.extend(convolution(name, kernel, bias, flip))

    add(part("recurrent_kernel", 0), part("recurrent_bias", 0))
    add(arrays["attention_input_kernel"], arrays["attention_input_bias"])
    add(arrays["attention_kernel"])
    for gate in range(4):
        add(part("kernel", gate), part("bias", gate))
        add(
            part("recurrent_kernel", gate + 1), part("recurrent_bias", gate + 1)
        )
    return weights


def write_sam(model, path, **options):
    """SAM's file of a model's weights."""
    write(path, sam_layers(model, **options))


def write_ml_net(model, path, **options):
    """ML-Net's file of a model's weights."""
    write(path, ml_net_layers(model, **options))
