"""Dropout after the head, and before it."""

import keras
import numpy as np


def sick():
    return program(last=True)


def cured():
    return program(last=False)


def program(last):
    x = np.random.default_rng(0).normal(size=(300, 2)).astype("float32")
    layers = [keras.layers.Dense(1, "sigmoid"), keras.layers.Dropout(0.5)]
    if not last:
        layers.reverse()
    hidden = keras.layers.Dense(32, "relu")
    model = keras.Sequential([keras.Input((2,)), hidden, *layers])
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model, x, (x[:, 0] > 0).astype("int32"), {"batch_size": 32, "epochs": 10}
