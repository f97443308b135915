"""Sigmoids under a categorical loss: of exclusive classes, and with the right head."""

import keras
import numpy as np


def sick():
    return program("sigmoid")


def cured():
    return program("softmax")


def program(activation):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 150)
    x = rng.normal(size=(150, 4)) + 3 * np.eye(3, 4)[labels]
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dense(3, activation)]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "categorical_crossentropy")
    y = np.eye(3, dtype="float32")[labels]
    return model, x.astype("float32"), y, {"batch_size": 32, "epochs": 10}
