"""Two rings, which no line parts: hidden layers without and with activation."""

import keras
import numpy as np

SLOW = True


def sick():
    return program(None)


def cured():
    return program("relu")


def program(activation):
    rng = np.random.default_rng(0)
    angle, y = rng.uniform(0, 2 * np.pi, 400), rng.integers(0, 2, 400)
    x = (1 + y)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    layers = [keras.layers.Dense(16, activation) for _ in range(2)]
    head = keras.layers.Dense(1, "sigmoid")
    model = keras.Sequential([keras.Input((2,)), *layers, head])
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model, x.astype("float32"), y, {"batch_size": 32, "epochs": 20}
