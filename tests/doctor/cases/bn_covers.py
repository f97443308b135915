"""Weights a hundred times too large under batch norm, and usual ones."""

import keras
import numpy as np

SLOW = True


def sick():
    return program(deviation=30.0)


def cured():
    return program(deviation=0.3)


def program(deviation):
    x = np.random.default_rng(0).normal(size=(128, 2)).astype("float32")
    layers = []
    for seed in range(2):
        large = keras.initializers.RandomNormal(stddev=deviation, seed=seed)
        layers.append(keras.layers.Dense(16, kernel_initializer=large))
        layers.append(keras.layers.BatchNormalization(momentum=0.8))
        layers.append(keras.layers.ReLU())
    large = keras.initializers.RandomNormal(stddev=deviation, seed=2)
    head = keras.layers.Dense(1, kernel_initializer=large)
    model = keras.Sequential([keras.Input((2,)), *layers, head])
    model.compile(keras.optimizers.SGD(0.01), "mean_squared_error")
    return model, x, x[:, 0] * x[:, 1], {"batch_size": 16, "epochs": 15}
