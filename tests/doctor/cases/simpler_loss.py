"""A loss of one's own that is a thousandth of the error, and one that is all of it."""

import keras
import numpy as np

SLOW = True


def sick():
    return program(share=1e-3)


def cured():
    return program(share=1.0)


def program(share):
    def loss(y, output):
        return share * keras.ops.mean((y - output) ** 2)

    x = np.random.default_rng(0).normal(size=(128, 2)).astype("float32")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.03), loss)
    return model, x, x[:, 0], {"batch_size": 16, "epochs": 20}
