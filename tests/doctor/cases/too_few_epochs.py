"""Two epochs where ten are needed, and ten."""

import keras
import numpy as np

SLOW = True


def sick():
    return program(epochs=2)


def cured():
    return program(epochs=10)


def program(epochs):
    x = np.random.default_rng(0).normal(size=(400, 2)).astype("float32")
    layers = [keras.layers.Dense(32, "relu"), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((2,)), *layers])
    model.compile("adam", "mean_squared_error")
    y = x[:, 0] - x[:, 1]
    return model, x, y, {"batch_size": 16, "epochs": epochs}
