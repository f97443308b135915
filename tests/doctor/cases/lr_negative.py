"""A rate below zero, and a cosine that ends at zero."""

import keras
import numpy as np


def sick():
    return program(-0.01)


def cured():
    return program(keras.optimizers.schedules.CosineDecay(0.01, 30))


def program(rate):
    x = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(rate), "mean_squared_error")
    return model, x, x[:, 0], {"batch_size": 16, "epochs": 10}
