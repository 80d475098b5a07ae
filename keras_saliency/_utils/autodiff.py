"""Gradients inside of a loss, on every backend."""

from collections.abc import Callable

import keras

from keras_saliency._utils.types import Tensor


def gradients(
    function: Callable[[Tensor], list[Tensor]], x: Tensor
) -> list[Tensor]:
    """Return the gradient of the sum of each value of a function.

    They are constants: nothing is differentiated through them.

    Args:
        function: Function from a tensor to a list of tensors.
        x: Where the gradients are taken.

    Returns:
        A tensor of the shape of `x` for each value.
    """
    backend = keras.backend.backend()
    x = keras.ops.stop_gradient(x)
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            values = function(x)
        return [
            tf.stop_gradient(
                tape.gradient(value, x, unconnected_gradients="zero")
            )
            for value in values
        ]
    if backend == "jax":
        import jax

        values, backward = jax.vjp(lambda x: tuple(function(x)), x)
        nothing = [jax.numpy.zeros_like(value) for value in values]
        found = []
        for i, value in enumerate(values):
            cotangents = list(nothing)
            cotangents[i] = jax.numpy.ones_like(value)
            found.append(backward(tuple(cotangents))[0])
        return found
    import torch

    with torch.enable_grad():
        x = x.detach().requires_grad_()
        values = function(x)
    found = []
    for value in values:
        (gradient,) = (
            torch.autograd.grad(value.sum(), x, retain_graph=True)
            if value.requires_grad
            else (torch.zeros_like(x),)
        )
        found.append(gradient)
    return found
