"""Gradient descent beyond the rate that a parabola allows, and below it."""

import keras
import numpy as np

SLOW = True


def sick():
    return program(rate=1.3)


def cured():
    return program(rate=0.7)


def program(rate):
    x = np.random.default_rng(0).normal(size=(128, 2)).astype("float32")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    # The loss is a parabola of curvature 2: a step beyond 2 / 2 climbs.
    model.compile(keras.optimizers.SGD(rate), "mean_squared_error")
    return model, x, x[:, 0], {"batch_size": 100, "epochs": 20}
