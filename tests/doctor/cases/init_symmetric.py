"""Hidden units that start equal, and as many that do not."""

import keras
import numpy as np


def sick():
    return program("zeros")


def cured():
    return program("glorot_uniform")


def program(initializer):
    x = np.random.default_rng(0).normal(size=(200, 2)).astype("float32")
    hidden = keras.layers.Dense(8, "relu", kernel_initializer=initializer)
    head = keras.layers.Dense(1, "sigmoid")
    model = keras.Sequential([keras.Input((2,)), hidden, head])
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model, x, (x[:, 0] > 0).astype("int32"), {"batch_size": 20, "epochs": 10}
