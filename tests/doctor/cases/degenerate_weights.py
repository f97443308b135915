"""A weight of 0 and a small one for the second class."""

import keras
import numpy as np


def sick():
    return program(weight=0.0)


def cured():
    return program(weight=0.5)


def program(weight):
    x = np.random.default_rng(0).normal(size=(200, 5)).astype("float32")
    y = (x[:, 0] + x[:, 1] > 0).astype("int32")
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((5,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    fit_arguments = {
        "batch_size": 16,
        "epochs": 12,
        "class_weight": {0: 1.0, 1: weight},
    }
    return model, x, y, fit_arguments
