"""Gradients and compilation in the words of the backend at hand."""

import keras
from keras import ops


def value_and_gradients(function, values):
    """Differentiate a function of a list of tensors.

    Args:
        function: Takes the list, returns `(loss, rest)` with a scalar `loss`.
        values: List of float tensors.

    Returns:
        `(loss, rest, gradients)`; the gradient of a value that the loss does not
        depend on is zero.
    """
    return {
        "tensorflow": _in_tensorflow,
        "jax": _in_jax,
        "torch": _in_torch,
    }[keras.config.backend()](function, values)


def compiled(function):
    """Compile a pure function of tensors where the backend has a compiler for it."""
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function, autograph=False)
    if keras.config.backend() == "jax":
        import jax

        return jax.jit(function)
    return function


def _in_tensorflow(function, values):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(values)
        loss, rest = function(values)
    gradients = tape.gradient(loss, values, unconnected_gradients="zero")
    # An embedding's gradient comes as slices.
    return loss, rest, [tf.convert_to_tensor(gradient) for gradient in gradients]


def _in_jax(function, values):
    import jax

    (loss, rest), gradients = jax.value_and_grad(function, has_aux=True)(values)
    return loss, rest, gradients


def _in_torch(function, values):
    import torch

    values = [value.detach().requires_grad_() for value in values]
    loss, rest = function(values)
    rest = keras.tree.map_structure(ops.stop_gradient, rest)
    if not loss.requires_grad:
        return loss, rest, [torch.zeros_like(value) for value in values]
    gradients = torch.autograd.grad(
        loss, values, allow_unused=True, materialize_grads=True
    )
    return loss.detach(), rest, list(gradients)
