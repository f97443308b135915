"""Rows that end in padding on half of their places and a little less."""

import keras
import numpy as np

# A training of a recurrent copy decides how much it hurts.
SLOW = True


def sick():
    return program(tokens=10)


def cured():
    return program(tokens=11)


def program(tokens):
    x = np.random.default_rng(0).integers(1, 12, (64, 20))
    x[:, tokens:] = 0
    y = (x == 3).any(1).astype("float32")
    layers = [keras.layers.Embedding(12, 4), keras.layers.SimpleRNN(4)]
    model = keras.Sequential(
        [keras.Input((20,)), *layers, keras.layers.Dense(1, "sigmoid")]
    )
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 2}
