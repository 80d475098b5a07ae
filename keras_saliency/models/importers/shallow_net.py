"""ShallowNet's released weights, once converted to a `.npz` file."""

from keras_saliency.models.importers import _lasagne

_CONVOLUTIONS = ("conv1", "conv2", "conv3")


def load_shallow_net_weights(model, path, flip_filters=True):
    """Load weights of the authors' network from a `.npz` file.

    The authors released the whole network object as a pickle
    (`JuntingNet_SALICON.pickle`), which is never read here: a pickle can run
    any program. Convert it once where Lasagne and nolearn are installed:

        net = pickle.load(open("JuntingNet_SALICON.pickle", "rb"))
        values = lasagne.layers.get_all_param_values(net.layers_["output"])
        numpy.savez("shallow_net.npz", *values)

    That gives the ten arrays `arr_0` to `arr_9`: kernel and bias of conv1,
    conv2, conv3, hidden4 and output.

    Args:
        model: A `ShallowNet`.
        path: The file.
        flip_filters: Whether the layers turn kernels by 180 degrees, as
            Lasagne's `Conv2DLayer` does and its layers on cuDNN do not.

    Returns:
        The model.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is a pickle, damaged, or does not fit the
            model, which is then unchanged.
    """
    network = model.network
    convolutions = [network.get_layer(name) for name in _CONVOLUTIONS]
    dense = [network.get_layer(name) for name in ("hidden4", "output")]
    shapes = [
        shape
        for layer in convolutions
        for shape in _lasagne.convolution_shapes(layer)
    ] + [tuple(weight.shape) for layer in dense for weight in layer.weights]
    arrays = _lasagne.read(path, shapes, "ShallowNet")
    for index, layer in enumerate(convolutions):
        kernel = _lasagne.convolution_kernel(arrays[2 * index], flip_filters)
        layer.set_weights([kernel, arrays[2 * index + 1]])
    hidden, output = dense
    # Lasagne flattens channel by channel, Keras pixel by pixel.
    height, width, channels = network.get_layer("pool3").output.shape[1:]
    kernel = arrays[6].reshape(channels, height, width, -1)
    kernel = kernel.transpose(1, 2, 0, 3).reshape(arrays[6].shape)
    hidden.set_weights([kernel, arrays[7]])
    output.set_weights(arrays[8:])
    return model
