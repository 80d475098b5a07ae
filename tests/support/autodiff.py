"""Gradients on whichever backend the tests run on."""

import keras
import numpy as np


def gradient(function, x, dtype="float32"):
    """Value and gradient of the sum of `function(x)`, as NumPy arrays."""
    backend = keras.backend.backend()
    x = np.asarray(x, dtype="float32")
    if backend == "tensorflow":
        import tensorflow as tf

        variable = tf.constant(x, dtype=dtype)
        with tf.GradientTape() as tape:
            tape.watch(variable)
            value = keras.ops.sum(function(variable))
        result = tape.gradient(value, variable, unconnected_gradients="zero")
        return float(value), np.asarray(tf.cast(result, "float32"))
    if backend == "jax":
        import jax

        value, result = jax.value_and_grad(
            lambda v: keras.ops.sum(function(v))
        )(jax.numpy.asarray(x, dtype=dtype))
        return float(value), np.asarray(result, dtype="float32")
    import torch

    variable = torch.tensor(x).to(getattr(torch, dtype)).requires_grad_()
    value = keras.ops.sum(function(variable))
    if not value.requires_grad:
        return float(value), np.zeros_like(x)
    value.backward()
    return float(value.detach()), variable.grad.to(torch.float32).numpy()


def central_differences(function, x, step=1e-5):
    """Gradient of a NumPy function of a float64 map."""
    x = np.asarray(x, dtype="float64")
    result = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += step
        down[index] -= step
        result[index] = (function(up) - function(down)) / (2 * step)
    return result


def compiled(function, x, slope=True):
    """Value of `function(x)`, and gradient of its sum, compiled by XLA.

    PyTorch has no compiler of that kind: there it runs as it is.
    """
    backend = keras.backend.backend()
    x = np.asarray(x, dtype="float32")
    if backend == "tensorflow":
        import tensorflow as tf

        @tf.function(jit_compile=True)
        def both(variable):
            with tf.GradientTape() as tape:
                tape.watch(variable)
                value = function(variable)
                total = keras.ops.sum(value)
            if not slope:
                return value, variable
            return value, tape.gradient(total, variable)

        return [result.numpy() for result in both(tf.constant(x))]
    if backend == "jax":
        import jax

        def total(variable):
            value = function(variable)
            return keras.ops.sum(value), value

        if not slope:
            return np.asarray(jax.jit(function)(x)), None
        both = jax.jit(jax.value_and_grad(total, has_aux=True))
        (_, value), result = both(x)
        return np.asarray(value), np.asarray(result)
    if not slope:
        import torch

        return function(torch.tensor(x)).numpy(), None
    _, result = gradient(function, x)
    return keras.ops.convert_to_numpy(
        function(keras.ops.convert_to_tensor(x))
    ), result
