"""One value of 800 is missing, and is filled."""

import keras
import numpy as np


def sick():
    return program(value=np.nan)


def cured():
    return program(value=0.0)


def program(value):
    x = np.random.default_rng(0).normal(size=(200, 4))
    y = (x[:, 0] > 0).astype("float32")
    x[77, 2] = value
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model, x, y, {"batch_size": 20, "epochs": 10}
