"""Columns around 1000, and around 0."""

import keras
import numpy as np

SLOW = True


def sick():
    return program(scale=1000)


def cured():
    return program(scale=1)


def program(scale):
    x = np.random.default_rng(0).uniform(-1, 1, size=(200, 2)).astype("float32")
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((2,)), *layers])
    model.compile(keras.optimizers.SGD(0.1), "binary_crossentropy")
    y = (x[:, 0] > x[:, 1]).astype("int32")
    return model, scale * (1 + x), y, {"batch_size": 16, "epochs": 20}
