"""Three units for two columns of values, and two units."""

import keras
import numpy as np

X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")


def program(units):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(units)])
    model.compile("adam", "mse")
    return model, X, X[:, :2], {}


def sick():
    return program(3)


def cured():
    return program(2)
