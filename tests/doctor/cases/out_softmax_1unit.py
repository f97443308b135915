"""One unit under a softmax, and the same under a sigmoid."""

import keras
import numpy as np


def sick():
    return program("softmax")


def cured():
    return program("sigmoid")


def program(activation):
    x = np.random.default_rng(0).normal(size=(128, 4)).astype("float32")
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dense(1, activation)]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model, x, (x[:, 0] > 0).astype("int32"), {"batch_size": 32, "epochs": 5}
