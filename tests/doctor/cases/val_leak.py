"""Validation rows of which 2 in 100 were trained on, and 1 in 100."""

import keras
import numpy as np


def sick():
    return program(leaked=2)


def cured():
    return program(leaked=1)


def program(leaked):
    x = np.random.default_rng(0).normal(size=(400, 5)).astype("float32")
    y = (x[:, 0] + x[:, 1] > 0).astype("float32")
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((5,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    rows = slice(300 - leaked, 400 - leaked)
    fit_arguments = {
        "batch_size": 16,
        "epochs": 10,
        "validation_data": (x[rows], y[rows]),
    }
    return model, x[:300], y[:300], fit_arguments
