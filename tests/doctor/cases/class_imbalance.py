"""One row in forty of the rare class, and one in four, far inside the other."""

import keras
import numpy as np

SLOW = True


def sick():
    return program(every=40)


def cured():
    return program(every=4)


def program(every):
    rng = np.random.default_rng(0)
    y = (np.arange(800) % every == 0).astype("int32")
    x = rng.normal(size=(800, 2)) + 1.5 * y[:, None]
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, "sigmoid")])
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model, x.astype("float32"), y, {"batch_size": 32, "epochs": 10}
