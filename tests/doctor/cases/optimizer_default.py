"""Adadelta at Keras's default rate, and at that of its paper."""

import keras
import numpy as np

SLOW = True


def sick():
    return program(rate=0.001)


def cured():
    return program(rate=1.0)


def program(rate):
    x = np.random.default_rng(0).normal(size=(128, 3)).astype("float32")
    layers = [keras.layers.Dense(16, "relu"), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((3,)), *layers])
    model.compile(keras.optimizers.Adadelta(rate), "mean_squared_error")
    return model, x, x[:, 0] - x[:, 1], {"batch_size": 16, "epochs": 40}
