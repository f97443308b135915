"""Ninety rows of a hundred noisy numbers, and a thousand."""

import keras
import numpy as np

# The finding needs a training on a copy.
SLOW = True


def sick():
    return program(rows=90)


def cured():
    return program(rows=1000)


def program(rows):
    rng = np.random.default_rng(1)
    y = np.arange(rows) % 2
    x = rng.normal(size=(rows, 100))
    x += 0.05 * (2 * y[:, None] - 1) * rng.choice([-1, 1], 100)
    layers = [keras.layers.Dense(64, "relu"), keras.layers.Dense(2, "softmax")]
    model = keras.Sequential([keras.Input((100,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    return model, x.astype("float32"), y, {"batch_size": 16, "epochs": 20}
