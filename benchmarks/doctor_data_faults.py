"""Faults of the inputs, the targets and the validation data."""

import math

import numpy as np
from doctor_fault import (
    LABELLED,
    Faults,
    dense,
    ids,
    kind,
    numbers,
    one_unit,
    plain,
)
from doctor_trainings import count, each
from keras import layers

FAULTS = Faults()
fault, parts = FAULTS.fault, FAULTS.parts


def rows(change):
    """A change of the training rows."""
    return lambda p: p.but(training=(*p.training, change))


def scaled(change):
    """A change of the inputs of all rows."""
    return lambda p: p.but(inputs=(*p.inputs, change))


# The data.

for factor in (255.0, 1e4):
    fault(f"inputs times {factor:g}", "input-scale", numbers)(
        scaled(lambda rng, x, factor=factor: x * np.float32(factor))
    )
fault("inputs + 100", "input-scale", dense)(scaled(lambda rng, x: x + np.float32(100)))
fault("inputs / 1000", "input-scale double-norm", numbers)(
    scaled(lambda rng, x: x / np.float32(1000))
)


@fault("columns of many sizes", "input-scale", dense)
@scaled
def many_sizes(rng, x):
    return (x * 10 ** rng.uniform(-1, 4, x.shape[-1])).astype("float32")


@fault("one column times 1e4", "input-scale", dense)
@scaled
def one_large(rng, x):
    return x * np.array([1e4] + [1] * (x.shape[-1] - 1), "float32")


for name, change in {
    "targets times 1000": lambda y: y * np.float32(1000),
    "targets + 300": lambda y: y + np.float32(300),
    "targets / 1000": lambda y: y / np.float32(1000),
}.items():
    parts(name, "target-scale", kind("values"), targets=(change,))


def spoilt(value):
    def change(rng, x, y):
        def spoil(array):
            array = array.copy()
            array.reshape(len(array), -1)[rng.random(len(array)) < 0.02, 0] = value
            return array

        return each(spoil, x), y

    return change


for value in (math.nan, math.inf):
    fault(f"{value} in 2 % of the rows", "input-nan", numbers, certain=True)(
        rows(spoilt(value))
    )


@fault("nan targets", "input-nan", kind("values"), certain=True)
@rows
def nan_targets(rng, x, y):
    return x, np.where(rng.random(y.shape) < 0.01, np.nan, y).astype("float32")


fault("pictures scaled twice", "double-norm input-scale", lambda p: p.picture)(
    lambda p: (
        p.but(front=(lambda: layers.Rescaling(1 / 255),), inputs=p.inputs)
        if not p.in_model
        else p.but(inputs=(lambda rng, x: x / np.float32(255),))
    )
)


@fault("labels divided", "label-corrupt loss-mismatch single-class", ids)
@rows
def divided(rng, x, y):
    return x, y.astype("float32") / 255


@fault("labels from 1", "label-corrupt out-units", ids)
@rows
def from_one(rng, x, y):
    return x, y + 1


@fault("labels of -1", "label-corrupt", ids)
@rows
def minus_one(rng, x, y):
    return x, np.where(rng.random(y.shape) < 0.1, -1, y)


@fault("labels 1 and 2", "label-corrupt out-range loss-mismatch", one_unit)
@rows
def one_and_two(rng, x, y):
    return x, y + 1


@fault("labels 0 and 255", "label-corrupt out-range loss-mismatch", one_unit)
@rows
def up_to_255(rng, x, y):
    return x, y * 255


@fault("one class", "single-class", kind(*LABELLED), certain=True)
@rows
def one_class(rng, x, y):
    return x, np.broadcast_to(y[:1], y.shape).copy()


def enough(p):
    return p.kind not in ("same", "two") and p.rows > 100


@fault("labels shuffled", "label-shuffle", enough)
@rows
def shuffled(rng, x, y):
    return x, y[rng.permutation(len(y))]


@fault("labels one row off", "label-shuffle", enough)
@rows
def one_off(rng, x, y):
    return x, np.roll(y, 1, axis=0)


def without(share):
    def change(rng, x, y):
        rare = y.ravel() == 1
        keep = ~rare | (rng.random(len(y)) < share)
        return each(lambda array: array[keep], x), y[keep]

    return change


for share in (0.05, 0.02):
    fault(
        f"{share:.0%} of a class kept",
        "class-imbalance",
        lambda p: p.kind == "binary" and p.rows > 500,
    )(lambda p, share=share: p.but(training=(without(share),), fit={}))


def by_class(rng, x, y):
    order = np.argsort(y.argmax(1) if y.ndim > 1 and y.shape[1] > 1 else y.ravel())
    return each(lambda array: array[order], x), y[order]


def ordered(p):
    return p.kind in LABELLED and plain(p)


fault("sorted, the tail validates", "split-not-shuffled", ordered, certain=True)(
    lambda p: p.but(training=(by_class,), fit={"validation_split": 0.25})
)
fault("sorted, not shuffled", "split-not-shuffled sorted-batches", ordered)(
    lambda p: p.but(training=(by_class,), fit={"shuffle": False})
)


def validated(change):
    return lambda p: p.but(
        validation=lambda x, y, xv, yv: {"validation_data": (change(xv), yv)}, fit={}
    )


def validates(p):
    return numbers(p) and p.feed == "arrays" and p.kind not in ("same", "two")


fault("validation inputs times 255", "val-preproc", validates, certain=True)(
    validated(lambda x: each(lambda array: array * np.float32(255), x))
)
fault("validation inputs shifted", "val-preproc", validates, certain=True)(
    validated(lambda x: each(lambda array: array + 5 * array.std(), x))
)
parts(
    "training rows validate",
    "val-leak",
    lambda p: p.feed == "arrays" and p.rows > 100,
    certain=True,
    validation=lambda x, y, xv, yv: {
        "validation_data": tuple(
            each(lambda array: array[: count(array) // 4], part) for part in (x, y)
        )
    },
    fit={},
)


@fault("twenty rows", "small-data overfit too-few-epochs batch-size", plain)
def twenty(p):
    return p.but(
        epochs=5 * p.epochs,
        training=(
            lambda rng, x, y: [each(lambda array: array[:20], part) for part in (x, y)],
        ),
    )


@fault("axes reshaped, not moved", "bad-reshape", lambda p: p.picture)
@scaled
def reshaped(rng, x):
    return np.moveaxis(x, 2, 1).reshape(x.shape)


@fault("pixels in another order", "bad-reshape", lambda p: p.picture)
@scaled
def scrambled(rng, x):
    flat = np.moveaxis(x, 3, 1).reshape(len(x), -1, 7 if x.shape[2] == 14 else 8)
    return np.moveaxis(flat, 2, 1).reshape(x.shape)


parts(
    "a class weighs nothing",
    "degenerate-weights class-imbalance",
    lambda p: p.kind in ("ids", "binary") and plain(p),
    fit={"class_weight": {0: 1.0, 1: 0.0, **dict.fromkeys(range(2, 10), 1.0)}},
)


@fault("noise learnt by heart", "overfit small-data label-corrupt", ids)
def by_heart(p):
    def noisy(rng, x, y):
        x, y = each(lambda array: array[:200], x), y[:200]
        return x, np.where(rng.random(200) < 0.4, rng.permutation(y), y)

    return p.but(training=(noisy,), epochs=6 * p.epochs, width=4.0)


fault("tokens beyond the embedding", "token-range", lambda p: p.tokens)(
    lambda p: p.but(tokens_in=p.tokens_in // 8)
)
