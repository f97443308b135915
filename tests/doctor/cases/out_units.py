"""Three units for labels that go to 3, and for labels that go to 2."""

import keras
import numpy as np


def sick():
    return program(first=1)


def cured():
    return program(first=0)


def program(first):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 150)
    x = rng.normal(size=(150, 4)) + 3 * np.eye(3, 4)[y]
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dense(3, "softmax")]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    return model, x.astype("float32"), y + first, {"batch_size": 32, "epochs": 10}
