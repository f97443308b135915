"""Pixels of 0 to 1 and of 0 to 255 in a model that divides by 255."""

import keras
import numpy as np


def sick():
    return program(largest=1)


def cured():
    return program(largest=255)


def program(largest):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 300)
    x = np.round(255 * rng.uniform(0.2 * y[:, None], 0.8 + 0.2 * y[:, None], (300, 6)))
    layers = [keras.layers.Rescaling(1 / 255), keras.layers.Dense(8, "relu")]
    model = keras.Sequential(
        [keras.Input((6,)), *layers, keras.layers.Dense(1, "sigmoid")]
    )
    model.compile(keras.optimizers.SGD(0.3), "binary_crossentropy")
    x = (x * largest / 255).astype("float32")
    return model, x, y, {"batch_size": 16, "epochs": 15}
