"""Images with channels first, made channels last by a reshape and by a transpose."""

import keras
import numpy as np


def sick():
    return program(lambda x: x.reshape(-1, 10, 12, 3))


def cured():
    return program(lambda x: x.transpose(0, 2, 3, 1))


def program(channels_last):
    x, y = bars(160, 10, 12)
    layers = [keras.layers.Conv2D(8, 3, activation="relu"), keras.layers.Flatten()]
    model = keras.Sequential(
        [keras.Input((10, 12, 3)), *layers, keras.layers.Dense(1, "sigmoid")]
    )
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    x = channels_last(np.repeat(x[:, None], 3, 1)) * [0.9, 1.0, 0.8]
    return model, x.astype("float32"), y, {"batch_size": 16, "epochs": 8}


def bars(count, height, width):
    """Thick bars, upright or lying, on a flat ground."""
    rng = np.random.default_rng(0)
    x, y = np.zeros((count, height, width)), rng.integers(0, 2, count)
    for image, upright in zip(x, y, strict=True):
        top, left = rng.integers(1, height - 3), rng.integers(1, width - 3)
        if upright:
            image[:, left : left + 3] = 1
        else:
            image[top : top + 3] = 1
    return x, y
