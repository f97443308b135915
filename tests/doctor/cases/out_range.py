"""A sigmoid for values of which two in a hundred, or none, are above 1."""

import keras
import numpy as np


def sick():
    return program(outside=4)


def cured():
    return program(outside=1)


def program(outside):
    x = np.random.default_rng(0).uniform(size=(200, 2)).astype("float32")
    y = x.mean(axis=1)
    y[:outside] = 1.5
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((2,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "mean_squared_error")
    return model, x, y, {"batch_size": 32, "epochs": 10}
