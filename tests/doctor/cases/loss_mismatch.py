"""A cross-entropy of targets that leave [0, 1] in two rows of a hundred, or in none."""

import keras
import numpy as np


def sick():
    return program(outside=4)


def cured():
    return program(outside=1)


def program(outside):
    x = np.random.default_rng(0).uniform(size=(200, 2)).astype("float32")
    y = x.mean(axis=1, keepdims=True)
    y[:outside] = -0.5
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((2,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 10}
