"""`keras.ops` for code that also runs inside `tf.data` under JAX and PyTorch.

Keras computes with one backend; a `tf.data` function is always TensorFlow. Keras has no
public way to ask for TensorFlow's operations there, so this module, and only this one,
takes them from `keras.src`.
"""

import functools
import importlib
import sys

import keras


class _Ops:
    def __getattr__(self, name):
        if in_foreign_graph():
            return _tensorflow_operation(name)
        return getattr(keras.ops, name)


ops = _Ops()


def in_foreign_graph():
    """Whether TensorFlow is tracing a function while Keras computes with another."""
    return keras.backend.backend() != "tensorflow" and in_tensorflow_graph()


def in_tensorflow_graph():
    """Whether TensorFlow is tracing a function: `tf.data`, `tf.function` or `fit`."""
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and tensorflow.inside_function()


def in_tf_data():
    """Whether TensorFlow is tracing the function of a `tf.data.Dataset`."""
    if not in_tensorflow_graph():
        return False
    import tensorflow as tf

    graph = tf.compat.v1.get_default_graph()
    while graph is not None:
        if getattr(graph, "name", "").startswith("Dataset_"):
            return True
        graph = getattr(graph, "outer_graph", None)
    return False


@functools.cache
def _tensorflow_operation(name):
    for module in ("numpy", "core", "nn", "math", "image"):
        module = importlib.import_module(f"keras.src.backend.tensorflow.{module}")
        if hasattr(module, name):
            return getattr(module, name)
    raise AttributeError(f"keras.ops has no TensorFlow operation {name!r}")
