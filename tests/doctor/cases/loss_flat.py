"""A loss of rounded outputs, and of the outputs."""

import keras
import numpy as np
from keras import ops


def sick():
    return program(ops.round)


def cured():
    return program(lambda output: output)


def program(change):
    x = np.random.default_rng(0).normal(size=(100, 2)).astype("float32")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", lambda true, output: ops.mean((true - change(output)) ** 2))
    return model, x, x[:, :1] + 3, {"batch_size": 20, "epochs": 5}
