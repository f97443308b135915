"""A similarity taken for a loss, and its negative."""

import keras
import numpy as np
from keras import ops


def sick():
    return program(lambda true, output: ops.mean(true * output))


def cured():
    return program(lambda true, output: -ops.mean(true * output))


def program(loss):
    x = np.random.default_rng(0).normal(size=(100, 2)).astype("float32")
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dense(1, "tanh")]
    model = keras.Sequential([keras.Input((2,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), loss)
    return model, x, np.sign(x[:, :1]), {"batch_size": 20, "epochs": 5}
