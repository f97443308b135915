"""One unit per class for ten classes: rows of one of them, and of all."""

import keras
import numpy as np


def sick():
    return program(classes=1)


def cured():
    return program(classes=10)


def program(classes):
    rng = np.random.default_rng(0)
    y = rng.integers(0, classes, 300)
    x = rng.normal(size=(300, 10)) + 4 * np.eye(10)[y]
    layers = [keras.layers.Dense(16, "relu"), keras.layers.Dense(10, "softmax")]
    model = keras.Sequential([keras.Input((10,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    return model, x.astype("float32"), y, {"batch_size": 16, "epochs": 10}
