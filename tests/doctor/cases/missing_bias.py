"""A line through the origin for values around 5, and one with an offset."""

import keras
import numpy as np

SLOW = True


def sick():
    return program(use_bias=False)


def cured():
    return program(use_bias=True)


def program(use_bias):
    x = np.random.default_rng(0).normal(size=(200, 2)).astype("float32")
    head = keras.layers.Dense(1, use_bias=use_bias)
    model = keras.Sequential([keras.Input((2,)), head])
    model.compile(keras.optimizers.SGD(0.1), "mean_squared_error")
    return model, x, x[:, :1] + 3, {"batch_size": 20, "epochs": 20}
