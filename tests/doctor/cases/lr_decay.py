"""A decay that counts steps where epochs were meant, and one that counts steps."""

import keras
import numpy as np

SLOW = True
EPOCHS, STEPS = 20, 8


def sick():
    return program(decay_steps=EPOCHS // 4)


def cured():
    return program(decay_steps=EPOCHS * STEPS)


def program(decay_steps):
    x = np.random.default_rng(0).normal(size=(16 * STEPS, 2)).astype("float32")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    rate = keras.optimizers.schedules.ExponentialDecay(0.05, decay_steps, 0.1)
    model.compile(keras.optimizers.SGD(rate), "mean_squared_error")
    return model, x, x[:, 0], {"batch_size": 16, "epochs": EPOCHS}
