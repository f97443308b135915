"""Prices in units, and in millions."""

import keras
import numpy as np

SLOW = True


def sick():
    return program(unit=1)


def cured():
    return program(unit=1e5)


def program(unit):
    x = np.random.default_rng(0).normal(size=(200, 2)).astype("float32")
    price = 1e5 * (3 + x[:, 0] - x[:, 1])
    layers = [keras.layers.Dense(16, "relu"), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((2,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "mean_squared_error")
    return model, x, (price / unit).astype("float32"), {"batch_size": 16, "epochs": 20}
