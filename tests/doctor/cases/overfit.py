"""One column that counts among two hundred, and among three."""

import keras
import numpy as np

SLOW = True


def sick():
    return program(columns=200)


def cured():
    return program(columns=3)


def program(columns):
    x = np.random.default_rng(0).normal(size=(400, columns)).astype("float32")
    layers = [keras.layers.Dense(32, "relu"), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((columns,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model, x, (x[:, 0] > 0).astype("int32"), {"batch_size": 32, "epochs": 20}
