"""Weights of deviation 20 and of deviation 0.4 for 16 inputs."""

import keras
import numpy as np

SLOW = True


def sick():
    return program(deviation=20.0)


def cured():
    return program(deviation=0.4)


def program(deviation):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    x = rng.normal(size=(300, 16)) + 2 * np.eye(3, 16)[y]
    first = keras.initializers.RandomNormal(stddev=deviation, seed=0)
    layers = [keras.layers.Dense(16, "tanh", kernel_initializer=first) for _ in "ab"]
    model = keras.Sequential([keras.Input((16,)), *layers, keras.layers.Dense(3)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.001), loss)
    return model, x.astype("float32"), y, {"batch_size": 32, "epochs": 20}
