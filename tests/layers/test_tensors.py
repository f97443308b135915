"""Fails loudly when Keras or TensorFlow move what `_tensors` takes from inside."""

import ast
import pathlib

import pytest

import keras_tricks
from keras_tricks.layers import _tensors

tf = pytest.importorskip("tensorflow")

LAYERS = pathlib.Path(keras_tricks.__file__).parent / "layers"


def operations():
    """Return the names of all operations that the layers take from `ops`."""
    found = set()
    for path in LAYERS.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "ops":
                found.add(node.attr)
    return found


def test_tensorflow_has_every_operation_that_the_layers_use():
    assert len(operations()) > 15
    for name in operations():
        assert callable(_tensors._tensorflow_operation(name))


def test_unknown_operation_is_named():
    with pytest.raises(AttributeError, match="no_such_operation"):
        _tensors._tensorflow_operation("no_such_operation")


def test_functions_of_a_dataset_are_recognised():
    seen = {}

    def look(name):
        def function(x):
            seen[name] = _tensors.in_tf_data()
            return x

        return function

    data = tf.data.Dataset.range(2)
    data.map(look("map"))
    data.map(lambda x: tf.function(look("nested"))(x))
    data.map(look("parallel"), num_parallel_calls=2)
    data.interleave(lambda i: tf.data.Dataset.range(2).map(look("interleave")))
    tf.function(look("function"))(tf.constant(1))
    look("eager")(1)
    assert seen == {
        "map": True,
        "nested": True,
        "parallel": True,
        "interleave": True,
        "function": False,
        "eager": False,
    }
