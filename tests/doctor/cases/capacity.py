"""One unit for a ring, and eight."""

import keras
import numpy as np

SLOW = True


def sick():
    return program(units=1)


def cured():
    return program(units=8)


def program(units):
    x = np.random.default_rng(0).uniform(-1, 1, size=(300, 2)).astype("float32")
    layers = [keras.layers.Dense(units, "tanh"), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((2,)), *layers])
    model.compile(keras.optimizers.Adam(0.03), "binary_crossentropy")
    y = (np.hypot(*x.T) < 0.75).astype("int32")
    return model, x, y, {"batch_size": 16, "epochs": 25}
