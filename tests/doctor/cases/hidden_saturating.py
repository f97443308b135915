"""Tanh units for inputs of deviation 100 and of deviation 1."""

import keras
import numpy as np

SLOW = True


def sick():
    return program(scale=100.0)


def cured():
    return program(scale=1.0)


def program(scale):
    x = np.random.default_rng(0).normal(size=(300, 2)).astype("float32")
    layers = [keras.layers.Dense(16, "tanh") for _ in range(2)]
    model = keras.Sequential([keras.Input((2,)), *layers, keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.01), "mean_squared_error")
    return model, x * scale, x[:, 0] * x[:, 1], {"batch_size": 32, "epochs": 30}
