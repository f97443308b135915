"""Validation data of four and of two times the spread of the training data."""

import keras
import numpy as np


def sick():
    return program(spread=4.0)


def cured():
    return program(spread=2.0)


def program(spread):
    x = np.random.default_rng(0).normal(size=(400, 5)).astype("float32")
    y = (x[:, 0] + x[:, 1] > 0).astype("float32")
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((5,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    validation = x[300:] * spread, y[300:]
    fit_arguments = {"batch_size": 16, "epochs": 10, "validation_data": validation}
    return model, x[:300], y[:300], fit_arguments
