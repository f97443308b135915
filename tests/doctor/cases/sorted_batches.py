"""Rows sorted by class that are and are not shuffled by `fit`."""

import keras
import numpy as np


def sick():
    return program(shuffle=False)


def cured():
    return program(shuffle=True)


def program(shuffle):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 100)
    x = rng.normal(size=(300, 4)) + 4 * np.eye(3, 4)[y]
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dense(3, "softmax")]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    fit_arguments = {"batch_size": 20, "epochs": 10, "shuffle": shuffle}
    return model, x.astype("float32"), y, fit_arguments
