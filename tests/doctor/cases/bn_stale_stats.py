"""Moving statistics that half a hundred steps hardly move, and ones that follow."""

import keras
import numpy as np

SLOW = True


def sick():
    return program(momentum=0.99)


def cured():
    return program(momentum=0.9)


def program(momentum):
    x = np.random.default_rng(0).normal(size=(128, 2)).astype("float32")
    norm = keras.layers.BatchNormalization(momentum=momentum)
    layers = [keras.layers.Dense(16), norm, keras.layers.ReLU()]
    head = keras.layers.Dense(1, "sigmoid")
    model = keras.Sequential([keras.Input((2,)), *layers, head])
    model.compile(keras.optimizers.Adam(0.03), "binary_crossentropy")
    y = (x[:, 0] > 0).astype("int32")
    return model, 20 + 3 * x, y, {"batch_size": 16, "epochs": 6}
