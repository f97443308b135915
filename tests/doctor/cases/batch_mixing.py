"""A softmax over the rows of the batch, and over the units."""

import keras
import numpy as np


def sick():
    return program(axis=0)


def cured():
    return program(axis=-1)


def program(axis):
    x = np.random.default_rng(0).normal(size=(100, 3)).astype("float32")
    layers = [keras.layers.Dense(3), keras.layers.Softmax(axis)]
    model = keras.Sequential([keras.Input((3,)), *layers])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model, x, x.argmax(axis=1), {"batch_size": 20, "epochs": 5}
