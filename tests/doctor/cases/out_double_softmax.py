"""Two softmaxes, and one."""

import keras
import numpy as np


def sick():
    return program("softmax")


def cured():
    return program("linear")


def program(activation):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 150)
    x = rng.normal(size=(150, 4)) + 3 * np.eye(3, 4)[y]
    layers = [keras.layers.Dense(3, activation), keras.layers.Softmax()]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    return model, x.astype("float32"), y, {"batch_size": 32, "epochs": 10}
