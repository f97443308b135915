"""A column that is the target, and one that is a little beside it."""

import keras
import numpy as np


def sick():
    return program(noise=0.01)


def cured():
    return program(noise=0.02)


def program(noise):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 5))
    y = x[:, 0] + x[:, 1] + 0.3 * rng.normal(size=300)
    x[:, 4] = 2 * y + 1 + noise * 2 * rng.normal(size=300)
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((5,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "mean_squared_error")
    return model, x.astype("float32"), y, {"batch_size": 16, "epochs": 20}
