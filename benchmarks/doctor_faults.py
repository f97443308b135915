"""Faults that are seeded into a healthy program, each by changing one part of it."""

import dataclasses
import math
from collections.abc import Callable

import keras
import numpy as np
from doctor_programs import CCE, SCCE, count, each
from keras import initializers, layers, ops, regularizers

CLASSES = ("ids", "one-hot")
LABELLED = ("ids", "one-hot", "binary")


@dataclasses.dataclass(frozen=True)
class Fault:
    """A change to a program, and the sicknesses it may be called."""

    name: str
    labels: tuple
    change: Callable  # program -> program
    fits: Callable  # program -> whether the fault makes sense there
    certain: bool = False  # sick whatever the held-out score says


FAULTS = {}


def fault(name, labels, fits=lambda p: True, certain=False):
    """Add the decorated change to the faults."""

    def add(change):
        kinds = tuple(labels.split())
        FAULTS[name] = Fault(name, kinds, change, fits, certain)
        return change

    return add


def parts(name, labels, fits=lambda p: True, certain=False, **changed):
    """Add a fault that only replaces parts."""
    fault(name, labels, fits, certain)(lambda p: p.but(**changed))


def kind(*kinds):
    return lambda p: p.kind in kinds


def one_unit(p):
    return p.kind == "binary" and p.units == 1


def numbers(p):
    return not p.tokens and p.rows > 100


def dense(p):
    return not p.picture and not p.tokens and p.rows > 100


def plain(p):
    """Many rows, from arrays, and no weights of the classes."""
    return p.feed == "arrays" and p.rows > 300 and not p.fit and not p.validation


def flat(p):
    return dense(p) and not p.norm


def rows(change):
    """A change of the training rows."""
    return lambda p: p.but(training=(*p.training, change))


def scaled(change):
    """A change of the inputs of all rows."""
    return lambda p: p.but(inputs=(*p.inputs, change))


# The head and the loss.

parts("softmax of one unit", "out-softmax-1unit", one_unit, head=("softmax",))
parts("sigmoids, CE", "out-sigmoid-multiclass", kind(*CLASSES), head=("sigmoid",))
parts(
    "sigmoids, BCE",
    "out-sigmoid-multiclass loss-mismatch",
    kind("one-hot"),
    head=("sigmoid",),
    loss="binary_crossentropy",
)
parts(
    "softmax for tags",
    "out-multilabel-softmax loss-mismatch",
    kind("multilabel"),
    head=("softmax",),
    loss=CCE,
)
parts(
    "softmax for tags, BCE",
    "out-multilabel-softmax",
    kind("multilabel"),
    head=("softmax",),
)


@fault("raw scores", "out-missing-prob", kind("ids", "one-hot", "binary", "multilabel"))
def raw_scores(p):
    loss = CCE if p.kind == "one-hot" else p.loss
    return p.but(head=(), loss=loss)


@fault("relu, CE", "out-missing-prob out-relu-before-softmax", kind(*CLASSES))
def relu_head(p):
    return p.but(head=("relu",), loss=CCE if p.kind == "one-hot" else SCCE)


@fault("relu, BCE", "out-missing-prob out-range out-relu-before-softmax", one_unit)
def relu_binary(p):
    return p.but(head=("relu",))


@fault("softmax twice", "out-double-softmax", kind(*CLASSES))
def softmax_twice(p):
    return p.but(head=("softmax", "softmax"), loss=CCE if p.kind == "one-hot" else SCCE)


@fault("relu before softmax", "out-relu-before-softmax", kind(*CLASSES))
def relu_then_softmax(p):
    return p.but(head=("relu", "softmax"), loss=CCE if p.kind == "one-hot" else SCCE)


@fault("relu before sigmoid", "out-relu-before-softmax out-range", one_unit)
def relu_then_sigmoid(p):
    return p.but(head=("relu", "sigmoid"))


for name in ("relu", "sigmoid", "tanh", "softmax"):
    parts(
        f"{name} for values",
        "out-range" + (" out-softmax-1unit loss-mismatch" if name == "softmax" else ""),
        lambda p: p.kind in ("values", "same") and not p.head,
        head=(name,),
    )

parts("tanh for 0 and 1", "out-range out-missing-prob", one_unit, head=("tanh",))
fault("too few units", "out-units label-corrupt", kind("ids"))(
    lambda p: p.but(units=p.units - 1)
)
fault("spare units", "out-units", kind("ids"))(lambda p: p.but(units=10 * p.units))
parts(
    "one unit for classes",
    "out-units loss-mismatch out-range out-sigmoid-multiclass label-corrupt",
    kind("ids"),
    units=1,
    head=("sigmoid",),
    loss="binary_crossentropy",
)
for name in ("mse", "mae", "hinge", "poisson"):
    parts(f"{name} for classes", "loss-mismatch", kind("one-hot"), loss=name)
    parts(f"{name} for two classes", "loss-mismatch", one_unit, loss=name)
parts(
    "mse of raw class numbers",
    "loss-mismatch out-units",
    kind("ids"),
    units=1,
    head=(),
    loss="mse",
)
parts(
    "BCE for values",
    "loss-mismatch out-missing-prob out-range",
    kind("values"),
    loss="binary_crossentropy",
)
parts("poisson for values", "loss-mismatch out-range", kind("values"), loss="poisson")
parts(
    "MSLE for values",
    "loss-mismatch out-range",
    kind("values"),
    loss="mean_squared_logarithmic_error",
)


@fault("negative loss", "loss-sign", lambda p: p.kind != "two")
def negative_loss(p):
    right = keras.losses.get(p.loss)

    def loss(true, predicted):
        return -ops.mean(right(true, predicted))

    return p.but(loss=loss)


@fault("rounded outputs", "loss-flat", kind("binary", "values", "multilabel"))
def rounded(p):
    def loss(true, predicted):
        return ops.mean(ops.abs(ops.cast(true, "float32") - ops.round(predicted)))

    return p.but(loss=loss)


def summed(p):
    name = {
        "values": "MeanSquaredError",
        "same": "MeanSquaredError",
        "ids": "SparseCategoricalCrossentropy",
    }.get(p.kind, "BinaryCrossentropy")
    return getattr(keras.losses, name)(reduction="sum")


@fault(
    "loss summed, SGD",
    "loss-reduction lr-high",
    lambda p: p.kind in ("values", "same", "ids", "binary") and flat(p),
)
def summed_loss(p):
    momentum = {"momentum": 0.9}
    return p.but(loss=summed(p), optimizer="SGD", rate=0.05, options=momentum)


# The hidden layers.

parts("hidden linear", "hidden-linear", lambda p: not p.frozen, activation="linear")
parts("sigmoid hidden", "hidden-saturating", flat, activation="sigmoid")
parts(
    "six sigmoids", "hidden-saturating too-deep", flat, activation="sigmoid", deeper=5
)
parts("twenty tanh", "hidden-saturating too-deep", flat, activation="tanh", deeper=20)
parts(
    "large tanh",
    "hidden-saturating init-scale",
    flat,
    activation="tanh",
    initializer=lambda: initializers.RandomNormal(stddev=3.0),
)
for depth in (15, 40):
    parts(
        f"{depth} more layers",
        "too-deep hidden-dead-relu init-scale",
        lambda p: flat(p) or (p.picture and not p.norm),
        deeper=depth,
    )
parts(
    "bias -3",
    "hidden-dead-relu init-scale",
    lambda p: p.activation == "relu" and flat(p) and not p.frozen,
    bias_initializer=lambda shape, dtype=None: ops.full(shape, -3.0, dtype),
)
for name, share in (("one unit per layer", 0.0), ("width times 0.05", 0.05)):
    parts(
        name,
        "capacity",
        lambda p: not p.tokens and not p.frozen and p.rows > 100,
        width=share,
    )


@fault("no bias, targets + 5", "missing-bias target-scale", kind("values"))
def no_bias(p):
    return p.but(bias=False, targets=(lambda y: y + 5,), norm=False)


parts("no bias", "missing-bias", lambda p: dense(p) and not p.norm, bias=False)

for name, make in {
    "zeros": initializers.Zeros,
    "ones": initializers.Ones,
    "constant 0.1": lambda: initializers.Constant(0.1),
}.items():
    parts(
        f"kernels {name}",
        "init-symmetric init-scale" if name == "ones" else "init-symmetric",
        lambda p: not p.frozen and p.body.__name__ != "transformer",
        initializer=make,
        **({"head_initializer": make} if name == "zeros" else {}),
    )
for deviation in (1e-4, 1.0, 10.0):
    parts(
        f"kernels N(0, {deviation})",
        "init-scale hidden-dead-relu too-deep",
        lambda p: not p.frozen and not p.norm and not p.tokens,
        initializer=lambda deviation=deviation: initializers.RandomNormal(0, deviation),
    )
parts(
    "kernels U(0, 1)",
    "init-scale",
    lambda p: not p.frozen and not p.norm and not p.tokens,
    initializer=lambda: initializers.RandomUniform(0, 1),
)
parts(
    "all frozen", "nothing-trains frozen-weights", lambda p: p.rows > 100, frozen="all"
)


# The rate and the optimizer.

for factor in (10, 100, 1000, 0.01, 0.001):
    fault(f"rate times {factor}", "lr-high" if factor > 1 else "lr-low too-few-epochs")(
        lambda p, factor=factor: p.but(rate=p.rate * factor)
    )
fault("rate below zero", "lr-negative")(
    lambda p: p.but(rate=-p.rate, schedule=None, options={})
)
parts("rate zero", "lr-negative lr-low", rate=0.0)


def decays(halving):
    schedules = keras.optimizers.schedules
    return lambda rate, steps: schedules.ExponentialDecay(rate, halving, 0.5)


for steps in (3, 20):
    parts(
        f"rate halved every {steps} steps",
        "lr-decay lr-low",
        lambda p: p.rows > 100,
        schedule=decays(steps),
    )
parts(
    "cosine over 30 steps",
    "lr-decay lr-low",
    lambda p: p.rows > 100,
    schedule=lambda rate, steps: keras.optimizers.schedules.CosineDecay(rate, 30),
)
for name, rate in {"Adadelta": 1e-3, "SGD": 0.01, "Adagrad": 1e-3}.items():
    parts(
        f"{name} {rate}",
        "optimizer-default lr-low",
        optimizer=name,
        rate=rate,
        options={},
        schedule=None,
    )
parts(
    "epsilon 10",
    "optimizer-arguments lr-low",
    lambda p: p.optimizer == "Adam",
    options={"epsilon": 10.0},
)
parts(
    "gradient cut to 1e-4",
    "optimizer-arguments lr-low",
    optimizer="SGD",
    rate=0.05,
    options={"clipnorm": 1e-4},
)
parts(
    "weight decay 10",
    "reg-strong optimizer-arguments",
    optimizer="AdamW",
    rate=2e-3,
    options={"weight_decay": 10.0},
)


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


def ids(p):
    return p.kind == "ids" and plain(p)


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


# Regularization, batches, length.

for rate in (0.8, 0.95):
    parts(f"dropout {rate}", "dropout-high", dense, dropout=rate)
parts(
    "dropout after the head",
    "dropout-high",
    lambda p: p.kind not in ("two",) and p.rows > 100,
    head_dropout=0.5,
)
for name, penalty in {
    "L2 1": lambda: regularizers.L2(1.0),
    "L2 0.1": lambda: regularizers.L2(0.1),
    "L1 0.05": lambda: regularizers.L1(0.05),
}.items():
    parts(name, "reg-strong", lambda p: numbers(p) and not p.frozen, penalty=penalty)


@fault("noise learnt by heart", "overfit small-data label-corrupt", ids)
def by_heart(p):
    def noisy(rng, x, y):
        x, y = each(lambda array: array[:200], x), y[:200]
        return x, np.where(rng.random(200) < 0.4, rng.permutation(y), y)

    return p.but(training=(noisy,), epochs=6 * p.epochs, width=4.0)


def on_arrays(p):
    return p.feed == "arrays" and p.rows > 300


parts(
    "one row, batch norm",
    "bn-batch1 batch-size",
    lambda p: on_arrays(p) and dense(p),
    norm=True,
    batch_size=1,
    epochs=2,
)
parts("one row", "batch-size lr-high", lambda p: on_arrays(p), batch_size=1, epochs=2)
parts("all rows", "batch-size too-few-epochs lr-low", on_arrays, batch_size=100_000)
parts(
    "statistics of momentum 0.9999",
    "bn-stale-stats",
    lambda p: dense(p) or p.norm,
    norm=True,
    momentum=0.9999,
)
fault("raw inputs, momentum 0.99", "bn-stale-stats input-scale too-few-epochs", dense)(
    lambda p: p.but(
        norm=True,
        momentum=0.99,
        epochs=2,
        inputs=(lambda rng, x: 100 * x + np.float32(200),),
    )
)
parts("one epoch", "too-few-epochs", epochs=1)
fault("a step per epoch", "too-few-epochs steps-per-epoch", on_arrays)(
    lambda p: p.but(fit={**p.fit, "steps_per_epoch": 1})
)


def over_the_batch(x):
    return ops.softmax(x, axis=0)


parts(
    "softmax over the batch",
    "batch-mixing out-missing-prob",
    kind(*CLASSES),
    head=(over_the_batch,),
)
fault("tokens beyond the embedding", "token-range", lambda p: p.tokens)(
    lambda p: p.but(tokens_in=p.tokens_in // 8)
)
