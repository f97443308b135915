"""A cross-entropy of raw scores, and the same with `from_logits=True`."""

import keras
import numpy as np


def sick():
    return program(from_logits=False)


def cured():
    return program(from_logits=True)


def program(from_logits):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 150)
    x = rng.normal(size=(150, 4)) + 3 * np.eye(3, 4)[y]
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dense(3)]
    model = keras.Sequential([keras.Input((4,)), *layers])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits)
    model.compile(keras.optimizers.Adam(0.01), loss)
    return model, x.astype("float32"), y, {"batch_size": 32, "epochs": 10}
