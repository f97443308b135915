"""A rate of which a hundred steps come nowhere, and one ten times as large."""

import keras
import numpy as np

SLOW = True


def sick():
    return program(rate=3e-4)


def cured():
    return program(rate=3e-3)


def program(rate):
    x = np.random.default_rng(0).normal(size=(128, 2)).astype("float32")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(rate, momentum=0.5), "mean_squared_error")
    return model, x, x[:, 0], {"batch_size": 16, "epochs": 15}
