"""An output that an added layer cuts off from the input, and one that it does not."""

import keras
import numpy as np

SLOW = True


def sick():
    return program(cut=True)


def cured():
    return program(cut=False)


def program(cut):
    x = np.random.default_rng(0).normal(size=(100, 2)).astype("float32")
    stop = keras.layers.Lambda(lambda tensor: 0 * tensor if cut else tensor)
    model = keras.Sequential([keras.Input((2,)), stop, keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.05), "mean_squared_error")
    return model, x, x[:, 0], {"batch_size": 16, "epochs": 10}
