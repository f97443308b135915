"""Targets in another order than the inputs, and noisy ones in the same order."""

import keras
import numpy as np


def sick():
    return program(aligned=False)


def cured():
    return program(aligned=True)


def program(aligned):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 8)).astype("float32")
    # A third of the variance is noise: even the best network explains two thirds.
    y = x[:, 0] + x[:, 1] * x[:, 2] + rng.normal(size=400)
    if not aligned:
        y = rng.permutation(y)
    layers = [keras.layers.Dense(32, "relu"), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((8,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "mean_squared_error")
    return model, x, y.astype("float32"), {"batch_size": 32, "epochs": 12}
