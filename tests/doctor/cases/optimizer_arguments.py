"""A weight decay that takes a fifth of every weight per step, and a usual one."""

import keras
import numpy as np

SLOW = True


def sick():
    return program(decay=20.0)


def cured():
    return program(decay=0.02)


def program(decay):
    x = np.random.default_rng(0).normal(size=(128, 2)).astype("float32")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    optimizer = keras.optimizers.AdamW(0.01, weight_decay=decay)
    model.compile(optimizer, "mean_squared_error")
    return model, x, x[:, 0], {"batch_size": 16, "epochs": 20}
