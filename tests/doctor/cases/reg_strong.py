"""A penalty of 3 on the squares of the weights, and one of 0.001."""

import keras
import numpy as np

SLOW = True


def sick():
    return program(penalty=3.0)


def cured():
    return program(penalty=1e-3)


def program(penalty):
    x = np.random.default_rng(0).normal(size=(128, 2)).astype("float32")
    small = keras.regularizers.L2(penalty)
    head = keras.layers.Dense(1, kernel_regularizer=small)
    model = keras.Sequential([keras.Input((2,)), head])
    model.compile(keras.optimizers.Adam(0.03), "mean_squared_error")
    return model, x, x[:, 0], {"batch_size": 16, "epochs": 20}
