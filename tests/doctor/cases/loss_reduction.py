"""A squared error summed over the batch, and its mean."""

import keras
import numpy as np


def sick():
    return program("sum")


def cured():
    return program("sum_over_batch_size")


def program(reduction):
    x = np.random.default_rng(0).normal(size=(100, 2)).astype("float32")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    loss = keras.losses.MeanSquaredError(reduction=reduction)
    model.compile(keras.optimizers.SGD(0.1), loss)
    return model, x, x[:, :1] + 1, {"batch_size": 25, "epochs": 10}
