"""Labels of 0 and 1 that were divided by 255 with the pixels, and that were not."""

import keras
import numpy as np


def sick():
    return program(scale=1 / 255)


def cured():
    return program(scale=1.0)


def program(scale):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 5)).astype("float32")
    y = (x[:, 0] + x[:, 1] > 0).astype("float32")
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((5,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model, x, y * scale, {"batch_size": 16, "epochs": 12}
