"""One output for a target of two columns, and two."""

import keras
import numpy as np


def sick():
    return program(units=1)


def cured():
    return program(units=2)


def program(units):
    x = np.random.default_rng(0).normal(size=(100, 2)).astype("float32")
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dense(units)]
    model = keras.Sequential([keras.Input((2,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "mean_squared_error")
    return model, x, x + 0.5, {"batch_size": 20, "epochs": 10}
