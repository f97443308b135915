"""All layers frozen, and all but the last."""

import keras
import numpy as np


def sick():
    return program(last=False)


def cured():
    return program(last=True)


def program(last):
    x = np.random.default_rng(0).normal(size=(100, 2)).astype("float32")
    layers = [
        keras.layers.Dense(8, "relu", trainable=False),
        keras.layers.Dense(1, trainable=last),
    ]
    model = keras.Sequential([keras.Input((2,)), *layers])
    model.compile("sgd", "mean_squared_error")
    return model, x, x[:, :1] + 1, {"batch_size": 20, "epochs": 5}
