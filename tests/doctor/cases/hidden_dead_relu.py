"""Biases that keep all relus of a layer below zero, and biases of zero."""

import keras
import numpy as np


def sick():
    return program(bias=-20.0)


def cured():
    return program(bias=0.0)


def program(bias):
    x = np.random.default_rng(0).normal(size=(300, 2)).astype("float32")
    hidden = keras.layers.Dense(
        16, "relu", bias_initializer=keras.initializers.Constant(bias)
    )
    model = keras.Sequential([keras.Input((2,)), hidden, keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.05), "mean_squared_error")
    return model, x, abs(x[:, :1]), {"batch_size": 32, "epochs": 10}
