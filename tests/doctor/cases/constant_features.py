"""Rows that are all the same, and rows that differ in three columns of five."""

import keras
import numpy as np


def sick():
    return program(columns=0)


def cured():
    return program(columns=3)


def program(columns):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 5)).astype("float32")
    y = (x[:, 0] > 0).astype("float32")
    x[:, columns:] = 1
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((5,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model, x, y, {"batch_size": 16, "epochs": 10}
