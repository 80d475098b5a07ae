"""ShallowNet's released weights, once converted to a `.npz` file."""

from keras_saliency._utils.types import PathName
from keras_saliency.models.importers import _files, _lasagne
from keras_saliency.models.shallow_net import ShallowNet

_CONVOLUTIONS = ("conv1", "conv2", "conv3")


def load_shallow_net_weights(
    model: ShallowNet, path: PathName, *, flip_filters: bool = True
) -> ShallowNet:
    """Load weights of the authors' network from a `.npz` file.

    The authors released the whole network object as a pickle
    (`JuntingNet_SALICON.pickle`), which is never read here: a pickle can run
    any program. Convert it once, where Lasagne and nolearn are installed:

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

    See `models.importers` for what is returned and raised.
    """
    network = model.network
    convolutions = [network.get_layer(name) for name in _CONVOLUTIONS]
    dense = [network.get_layer(name) for name in ("hidden4", "output")]
    shapes = [
        shape
        for layer in convolutions
        for shape in _files.convolution_shapes(layer)
    ] + [tuple(weight.shape) for layer in dense for weight in layer.weights]
    arrays = _lasagne.read(path, shapes, "ShallowNet")
    for index, layer in enumerate(convolutions):
        kernel = _files.convolution_kernel(arrays[2 * index], flip_filters)
        layer.set_weights([kernel, arrays[2 * index + 1]])
    hidden, output = dense
    # Lasagne flattens channel by channel, Keras pixel by pixel.
    height, width, channels = network.get_layer("pool3").output.shape[1:]
    kernel = arrays[6].reshape(channels, height, width, -1)
    kernel = kernel.transpose(1, 2, 0, 3).reshape(arrays[6].shape)
    hidden.set_weights([kernel, arrays[7]])
    output.set_weights(arrays[8:])
    return model
