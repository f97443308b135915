"""A tail for the validation of rows sorted by class, and of the same rows shuffled."""

import keras
import numpy as np


def sick():
    return program(shuffled=False)


def cured():
    return program(shuffled=True)


def program(shuffled):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 100)
    if shuffled:
        y = rng.permutation(y)
    x = rng.normal(size=(300, 4)) + 4 * np.eye(3, 4)[y]
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dense(3, "softmax")]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    fit_arguments = {"batch_size": 16, "epochs": 10, "validation_split": 0.2}
    return model, x.astype("float32"), y, fit_arguments
