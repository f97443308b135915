"""Fourteen and four plain layers, whose weights take three quarters of the signal."""

import keras
import numpy as np

SLOW = True


def sick():
    return program(depth=14)


def cured():
    return program(depth=4)


def program(depth):
    x = np.random.default_rng(0).normal(size=(300, 2)).astype("float32")
    small = [
        keras.initializers.RandomUniform(-0.25, 0.25, seed=i) for i in range(depth)
    ]
    layers = [keras.layers.Dense(16, "tanh", kernel_initializer=k) for k in small]
    model = keras.Sequential([keras.Input((2,)), *layers, keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.03), "mean_squared_error")
    return model, x, x[:, 0] - x[:, 1], {"batch_size": 32, "epochs": 15}
