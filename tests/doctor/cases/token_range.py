"""Ids of tokens that were scaled like pixels, and that were not."""

import keras
import numpy as np


def sick():
    return program(scale=1 / 20)


def cured():
    return program(scale=1)


def program(scale):
    x = np.random.default_rng(0).integers(1, 20, (300, 6))
    y = (x == 3).any(1).astype("float32")
    layers = [keras.layers.Embedding(20, 8), keras.layers.GlobalMaxPooling1D()]
    model = keras.Sequential(
        [keras.Input((6,)), *layers, keras.layers.Dense(1, "sigmoid")]
    )
    model.compile(keras.optimizers.Adam(0.03), "binary_crossentropy")
    return model, x * scale, y, {"batch_size": 16, "epochs": 10}
