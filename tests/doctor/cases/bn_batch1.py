"""Batches of one vector and of four under a batch normalization."""

import keras
import numpy as np


def sick():
    return program(batch_size=1)


def cured():
    return program(batch_size=4)


def program(batch_size):
    x = np.random.default_rng(0).normal(size=(60, 2)).astype("float32")
    layers = [keras.layers.Dense(8), keras.layers.BatchNormalization()]
    model = keras.Sequential([keras.Input((2,)), *layers, keras.layers.Dense(1)])
    model.compile("sgd", "mean_squared_error")
    return model, x, x[:, :1], {"batch_size": batch_size, "epochs": 5}
