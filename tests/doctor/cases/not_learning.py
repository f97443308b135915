"""Small weights and a small rate that together come nowhere, and a usual rate."""

import keras
import numpy as np

SLOW = True


def sick():
    return program(rate=1e-4)


def cured():
    return program(rate=1e-1)


def program(rate):
    x = np.random.default_rng(0).normal(size=(128, 2)).astype("float32")
    small = keras.initializers.RandomNormal(stddev=0.1, seed=0)
    hidden = keras.layers.Dense(16, "relu", kernel_initializer=small)
    model = keras.Sequential([keras.Input((2,)), hidden, keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(rate), "mean_squared_error")
    return model, x, x[:, 0] - x[:, 1], {"batch_size": 16, "epochs": 20}
