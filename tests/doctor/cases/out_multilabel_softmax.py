"""A softmax over labels of which some rows have two, and of which all have one."""

import keras
import numpy as np


def sick():
    return program(several=0.04)


def cured():
    return program(several=0.0)


def program(several):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 200)
    x = rng.normal(size=(200, 4)) + 3 * np.eye(3, 4)[labels]
    y = np.eye(3, dtype="float32")[labels]
    y[: int(200 * several)] = [1, 1, 0]
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dense(3, "softmax")]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "categorical_crossentropy")
    return model, x.astype("float32"), y, {"batch_size": 32, "epochs": 10}
