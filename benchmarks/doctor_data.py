"""Small data sets of many kinds, drawn from a generator: `(rng, rows) -> x, y`."""

import numpy as np


def standardise(x):
    return ((x - x.mean(0)) / x.std(0)).astype("float32")


def clusters(inputs, classes, each=3, spread=0.5, shares=None):
    """Classes of several clusters each: no line divides them."""

    def draw(rng, rows):
        centres = rng.normal(size=(classes, each, inputs))
        y = rng.choice(classes, rows, p=shares)
        x = centres[y, rng.integers(0, each, rows)]
        x = x + spread * rng.normal(size=(rows, inputs))
        return standardise(x), y

    return draw


def one_hot(data, classes):
    def draw(rng, rows):
        x, y = data(rng, rows)
        return x, np.eye(classes, dtype="float32")[y]

    return draw


def tags(inputs, labels, groups=12, spread=0.4):
    """Rows of a group carry its labels: none, one or several."""

    def draw(rng, rows):
        centres = rng.normal(size=(groups, inputs))
        carried = (rng.random((groups, labels)) < 0.4).astype("float32")
        group = rng.integers(0, groups, rows)
        x = centres[group] + spread * rng.normal(size=(rows, inputs))
        return standardise(x), carried[group]

    return draw


def values(inputs, noise=0.1):
    """A smooth function of four of the columns, standardised."""

    def draw(rng, rows):
        x = rng.normal(size=(rows, inputs)).astype("float32")
        y = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + np.abs(x[:, 3])
        y = y + noise * rng.normal(size=rows)
        return x, standardise(y)[:, None]

    return draw


def low_rank(inputs, rank=6):
    """Rows near a plane; the target is the row."""

    def draw(rng, rows):
        x = rng.normal(size=(rows, rank)) @ rng.normal(size=(rank, inputs))
        x = standardise(x + 0.1 * x.std() * rng.normal(size=x.shape))
        return x, x

    return draw


def shapes(height=16, width=16, channels=1, scale=1.0, noise=0.1):
    """Pictures of a disc, a square, a cross or stripes, anywhere, in [0, scale]."""

    def draw(rng, rows):
        y = rng.integers(0, 4, rows)
        radius = rng.uniform(3, 5, (rows, 1, 1))
        down = np.arange(height)[:, None] - rng.uniform(5, height - 5, (rows, 1, 1))
        across = np.arange(width) - rng.uniform(5, width - 5, (rows, 1, 1))
        far = np.maximum(np.abs(down), np.abs(across))
        near = np.minimum(np.abs(down), np.abs(across))
        pictures = (
            np.hypot(down, across) < radius,
            far < radius,
            (far < radius) & (near < 1.2),
            (far < radius) & (down % 3 < 1.5),
        )
        x = np.choose(y[:, None, None], pictures)[..., None]
        ink = rng.uniform(0.5, 1.0, (rows, 1, 1, channels))
        x = x * ink + noise * np.abs(rng.normal(size=(*x.shape[:3], channels)))
        return (scale * x.clip(0, 1)).astype("float32"), y

    return draw


def flat(data, target=True):
    """The pictures as rows, and their own targets."""

    def draw(rng, rows):
        x = data(rng, rows)[0].reshape(rows, -1)
        return x, x

    return draw


def waves(length=48):
    """Series of a sine, a square wave, a sawtooth or noise of the same size."""

    def draw(rng, rows):
        y = rng.integers(0, 4, rows)
        phase = np.arange(length) / rng.uniform(8, 16, (rows, 1)) + rng.random(
            (rows, 1)
        )
        sine = np.sin(2 * np.pi * phase)
        series = (
            1.4 * sine,
            np.sign(sine),
            3.4 * (phase % 1) - 1.7,
            rng.normal(size=sine.shape),
        )
        x = np.choose(y[:, None], series) + 0.2 * rng.normal(size=sine.shape)
        return x[..., None].astype("float32"), y

    return draw


def words(vocabulary=200, length=20):
    """Texts of tokens; the class is that of most of the telling ones."""

    def draw(rng, rows):
        y = rng.integers(0, 2, rows)
        share = np.where(y, 0.8, 0.2)[:, None]
        told = rng.random((rows, length)) < share
        telling = rng.integers(1, 21, (rows, length)) + 20 * told
        others = rng.integers(41, vocabulary, (rows, length))
        return np.where(rng.random((rows, length)) < 0.4, telling, others), y

    return draw


def two_views(inputs):
    """Two tables; the class is whether their hidden signs agree."""

    def draw(rng, rows):
        x = [rng.normal(size=(rows, inputs)).astype("float32") for _ in range(2)]
        left, right = (part @ rng.normal(size=inputs) for part in x)
        return x, (left * right > 0).astype("int64")

    return draw


def class_and_value(inputs, classes):
    def draw(rng, rows):
        x, y = clusters(inputs, classes)(rng, rows)
        value = np.sin(x[:, 0]) + x[:, 1] * x[:, 2]
        return x, [y, standardise(value)[:, None]]

    return draw


def rings(rng, rows):
    y = rng.integers(0, 2, rows)
    angle = rng.uniform(0, 2 * np.pi, rows)
    radius = 1 + y + 0.15 * rng.normal(size=rows)
    return standardise(np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)), y


def exclusive_or(rng, rows):
    x = np.resize(np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32"), (rows, 2))
    return x, (x[:, 0] != x[:, 1]).astype("float32")[:, None]
