import keras
import numpy as np
import pytest
from keras import layers

import keras_tricks as kt

freeze_batch_norm = kt.optimizers.freeze_batch_norm
X = np.random.default_rng(0).normal(2, 3, (6, 4)).astype("float32")
Y = np.random.default_rng(1).normal(size=(6, 2)).astype("float32")


class Residual(layers.Layer):
    """A layer with layers inside, one of them in a list."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.norm = layers.BatchNormalization(name="first")
        self.rest = [layers.Dense(3, name="dense"), layers.BatchNormalization()]

    def call(self, x):
        for layer in (self.norm, *self.rest):
            x = layer(x)
        return x


def network():
    body = keras.Sequential([keras.Input((4,)), layers.Dense(3), Residual()])
    head = [layers.BatchNormalization(name="head_norm"), layers.Dense(2)]
    return body, keras.Sequential([body, *head])


def values(variables):
    return [keras.ops.convert_to_numpy(variable).copy() for variable in variables]


def norms(body):
    residual = body.layers[-1]
    return residual.norm, residual.rest[1]


def test_norms_are_found_in_layers_inside_layers():
    body, model = network()
    assert freeze_batch_norm(body) == ["first", norms(body)[1].name]
    assert len(model.trainable_variables) == 2 + 2 + 2 + 2  # two of them gamma, beta
    assert set(freeze_batch_norm(model)) == {
        "first",
        norms(body)[1].name,
        "head_norm",
    }


def test_frozen_norms_run_as_at_inference_and_stay_as_they_are():
    body, model = network()
    for norm in norms(body):
        for i, variable in enumerate(norm.weights):
            variable.assign(np.array([0.5, 1.5, 2.5]) + i)
    freeze_batch_norm(body)
    outputs = [body(X, training=training) for training in (False, True)]
    np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, outputs))
    before = [values(norm.weights) for norm in norms(body)]
    trained = values(model.trainable_variables)
    head = values(model.layers[1].non_trainable_variables)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.fit(X, Y, epochs=2, verbose=0)
    after = [values(norm.weights) for norm in norms(body)]
    np.testing.assert_array_equal(before, after)
    for old, new in zip(trained, values(model.trainable_variables), strict=True):
        assert (old != new).any()
    for old, new in zip(
        head, values(model.layers[1].non_trainable_variables), strict=True
    ):
        assert (old != new).all()


def test_model_without_norms_is_warned_of():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2)], name="plain")
    with pytest.warns(UserWarning, match="'plain' has no batch norm"):
        assert freeze_batch_norm(model) == []


def test_only_layers_are_taken():
    with pytest.raises(TypeError, match="`model` must be a Keras model or layer"):
        freeze_batch_norm("body")
