"""Variables inside of a step that Keras compiles."""

import keras


def outlives_the_call(variable: keras.Variable) -> bool:
    """Return whether a value assigned here is there after the call.

    On JAX that is so in a step of Keras that carries the variable. Elsewhere,
    as in a user's own `jax.grad` of the loss, a value of the traced function
    would be left in the variable.
    """
    if keras.backend.backend() != "jax":
        return True
    with keras.StatelessScope(initialize_variables=False) as scope:
        step = scope.original_scope
    return step is not None and step.get_current_value(variable) is not None
