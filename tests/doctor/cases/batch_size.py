"""All rows in one batch, and 32 of them."""

import keras
import numpy as np

SLOW = True


def sick():
    return program(batch_size=400)


def cured():
    return program(batch_size=32)


def program(batch_size):
    x = np.random.default_rng(0).normal(size=(400, 2)).astype("float32")
    layers = [keras.layers.Dense(64, "relu"), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((2,)), *layers])
    model.compile("adam", "mean_squared_error")
    y = x[:, 0] - x[:, 1]
    return model, x, y, {"batch_size": batch_size, "epochs": 30}
