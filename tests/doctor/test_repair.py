"""A second model that differs from the first in what may keep it from learning."""

import types

import keras
import numpy as np
import pytest
from keras import layers

from keras_tricks.doctor.measuring.repair import (
    fresh_weights,
    repaired,
    task_activation,
    task_loss,
)

X = np.random.default_rng(0).normal(size=(12, 5)).astype("float32")
IDS = np.arange(12) % 3


def stack(*rest):
    return keras.Sequential([keras.Input((5,)), *rest])


@pytest.fixture
def repair(in_diagnosis):
    """Return `repair(model, *changes)`: the repaired model."""

    def changed(model, *changes, y=IDS):
        return in_diagnosis(
            lambda evidence: repaired(
                model, changes, evidence.graph, evidence.tasks[0]
            ),
            model,
            X,
            y,
            seconds=0,
        )

    return changed


def program(*rest, loss="sparse_categorical_crossentropy"):
    model = stack(*rest)
    model.compile(keras.optimizers.SGD(0.25), loss)
    return model


def settings(model, key):
    return [layer.get_config().get(key) for layer in model.layers]


def test_head_gets_units_activation_and_loss_of_the_task(repair):
    model = program(layers.Dense(4, "relu"), layers.Dense(2, "relu"), loss="mse")
    copy = repair(model, "head")
    assert settings(copy, "units") == [4, 3]
    assert settings(copy, "activation") == ["relu", "softmax"]
    assert copy.loss == "sparse_categorical_crossentropy"


def test_activation_that_follows_the_head_is_taken_off(repair):
    model = program(layers.Dense(3), layers.Activation("tanh"))
    assert settings(repair(model, "head"), "activation") == ["softmax", "linear"]


def test_loss_alone_leaves_the_layers(repair):
    model = program(layers.Dense(3, "tanh"), loss="mse")
    copy = repair(model, "loss")
    assert copy.loss == "sparse_categorical_crossentropy"
    assert settings(copy, "activation") == ["tanh"]


CHANGES = {
    "hidden": ("activation", ["leaky_relu", "sigmoid", "softmax"]),
    "squash": ("activation", ["linear", "leaky_relu", "softmax"]),
    "bias": ("use_bias", [True, True, True]),
    "width": ("units", [32, 24, 3]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_change_of_layers_is_that_one_only(change, repair):
    model = program(
        layers.Dense(4, use_bias=False),
        layers.Dense(3, "sigmoid"),
        layers.Dense(3, "softmax"),
    )
    copy = repair(model, change)
    for key in ("activation", "use_bias", "units"):
        name, expected = CHANGES[change]
        if key != name:
            expected = settings(model, key)
        assert settings(copy, key) == expected
    assert copy.loss == model.loss


def test_dropout_and_penalties_are_taken_off(repair):
    model = program(
        layers.Dropout(0.5),
        layers.Dense(4, "relu", kernel_regularizer="l2", activity_regularizer="l1"),
        layers.Dense(3, "softmax", bias_regularizer="l2"),
    )
    assert settings(repair(model, "dropout"), "rate")[0] == 0
    assert len(repair(model, "dropout").losses) == len(model.losses)
    assert repair(model, "penalty").losses == []
    assert settings(repair(model, "penalty"), "rate")[0] == 0.5


def test_weights_are_kept_and_the_model_is_not_touched(repair):
    model = program(
        layers.Dense(4, "relu"), layers.BatchNormalization(), layers.Dense(2)
    )
    model.layers[1].set_weights(list(X[:4, :4]))
    before = [np.array(v) for v in model.variables]
    copy = repair(model, "head", "dropout")
    for mine, theirs in zip(copy.variables[:6], model.variables[:6], strict=True):
        assert mine is not theirs
        np.testing.assert_array_equal(np.array(mine), np.array(theirs))
    copy.variables[0].assign(copy.variables[0] * 0)
    for known, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(known, np.array(variable))
    assert model.loss == "sparse_categorical_crossentropy"
    assert settings(model, "units")[-1] == 2


def test_subclassed_models_cannot_be_made_anew():
    class Own(keras.Model):
        def call(self, x):
            return x

    assert repaired(Own(), ("dropout",), None, None) is None


def test_losses_and_metrics_of_ones_own_are_kept(repair):
    def own(y, output):
        return keras.ops.mean(abs(y - output))

    model = stack(layers.Dropout(0.5), layers.Dense(1))
    model.compile("sgd", own, metrics=[own])
    copy = repair(model, "dropout")
    assert settings(copy, "rate")[0] == 0
    assert copy.loss is own


def test_layers_that_cannot_be_made_anew_give_none(repair):
    class Own(layers.Dense):
        def __init__(self, secret):
            super().__init__(3)

    assert repair(program(Own("x")), "dropout") is None


@pytest.mark.parametrize(
    ("kind", "form", "loss", "activation"),
    [
        ("binary", "ids", "binary_crossentropy", "sigmoid"),
        ("multiclass", "ids", "sparse_categorical_crossentropy", "softmax"),
        ("multiclass", "one-hot", "categorical_crossentropy", "softmax"),
        ("multilabel", "one-hot", "binary_crossentropy", "sigmoid"),
        ("distribution", "values", "categorical_crossentropy", "softmax"),
        ("regression", "values", "mean_squared_error", "linear"),
    ],
)
def test_task_asks_for_loss_and_activation(kind, form, loss, activation):
    task = types.SimpleNamespace(kind=kind, form=form)
    assert (task_loss(task), task_activation(task)) == (loss, activation)


def test_fresh_weights_keep_the_variance_of_the_signal():
    model = stack(layers.Dense(400), layers.Dense(100), layers.Dense(50))
    model.layers[0].bias.assign(model.layers[0].bias + 3)
    before = [np.array(v) for v in model.variables]
    found = fresh_weights(model)
    for value, variable in zip(found, model.variables, strict=True):
        assert value.shape == variable.shape
        assert value.dtype == "float32"
    assert [value.any() for value in found] == [True, False] * 3
    variances = [value.var() for value in found[::2]]
    np.testing.assert_allclose(variances, [2 / 5, 2 / 400, 1 / 100], rtol=0.1)
    for known, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(known, np.array(variable))


def test_fresh_weights_leave_what_is_no_kernel():
    model = keras.Sequential([keras.Input((4,)), layers.Embedding(7, 3)])
    model.add(layers.LSTM(2))
    found = dict(zip([v.path for v in model.variables], fresh_weights(model)))  # noqa: B905
    for variable in model.variables:
        if "embedding" in variable.path or "recurrent" in variable.path:
            np.testing.assert_array_equal(found[variable.path], np.array(variable))
