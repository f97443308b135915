"""How far the rates that `find_learning_rate` suggests are from those of a grid search.

Ten pairs of a model and data. Each is trained, four times, at rates a factor of 2 apart
with linear warmup and cosine; the best rate has the lowest mean validation loss. Its
interval holds the neighbouring rates whose loss is at most one standard error (of the
four trainings at the best rate) above the lowest. The finder runs once per pair, on the
first of the four models.

Cells are suggested rate / best rate; `-` is no answer. "trials" is the suggestion after
trainings at a few rates (`trial_steps=150`, as many as the grid's; mostly 6 rates,
three times), "curve" the one without. "callback" is the rule of `minimum` on the
running means that a callback reads in `logs["loss"]`, "steepest" (printed, not below)
the rule of torch-lr-finder on the raw losses, smoothed as there. The last rows count
the pairs at most a factor of 2 from the best rate, and from its interval.

    python benchmarks/learning_rate_finder.py [--seed 0] [--only PART_OF_NAME ...]

With `--seed 6`, 5 min 30 s of processor time, TensorFlow 2.21, Keras 3.15.1:

    pair               best          interval trials curve valley steep  min slide callb
    logistic, SGD      0.125      0.125-0.125   1.21  1.30   0.28  0.00 2.00  2.16  2.89
    MLP, SGD          0.0625    0.0312-0.0625   1.01  1.30   0.36  2.06 1.44  1.72  1.44
    MLP, AdamW        0.0156    0.0156-0.0156   1.46  0.98   0.12  2.06 0.69  1.42  0.99
    deep MLP, Adam    0.0156   0.00781-0.0312   0.63  0.41   0.22  0.82 0.63 15.78  0.69
    regression, Adam  0.0312    0.0156-0.0312   0.65  0.15   0.11  0.00 0.87  2.85  1.14
    regression, SGD    0.125       0.125-0.25   1.27  0.04   0.06  0.00 0.26  1.49  0.31
    CNN, Adam        0.00781  0.00781-0.00781   4.44  0.74   0.26   167 1.14 37.98  1.14
    ResNet, SGD         0.25      0.0625-0.25   0.96  0.47   0.08  0.75 0.91  5.22  0.91
    ResNet, AdamW     0.0312    0.0312-0.0312   1.52  1.56   0.19  2.60 2.88 26.29  3.47
    MobileNet, SGD      0.25        0.25-0.25   0.84  0.82   0.12  2.27 1.44  3.60  1.44
    of best                                        9     6      0     2    8     3     7
    of interval                                    9     8      1     2    8     3     7

With `--seed 7`, where the best rate of "ResNet, AdamW" is the last of its grid:

    of best                                        9     4      1     3    6     2     6
    of interval                                    9     6      1     4    8     3     8

The rules were fixed before these two runs, the first with them: "curve" was chosen on
other data and sizes, "trials" on the seeds 0 to 3, a fault in the test for noise found
on 4 and 5. With two trainings of the grid, on 500 examples, and trials that were single
trainings of 100 steps, it was 5 and 8 pairs (seeds 0 and 1): two trainings tell the
best rate of a flat optimum only roughly.
"""

import argparse
import dataclasses
import math
import os
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers

import keras_tricks as kt

TRAININGS = 4
BATCH_SIZE = 32
STEPS = 150
TRIAL_STEPS = STEPS
VALIDATION = 1000
SIZE = 16  # pixels of the pictures
CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
RULES = (
    "trials",
    "curve",
    "valley",
    "steep",
    "minimum",
    "slide",
    "callback",
    "steepest",
)


def table(inputs, classes, seed, noise=0.1):
    """Rows of a table, labelled by a random network with one hidden layer."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(5000, inputs)).astype("float32")
    hidden = np.tanh(x @ rng.normal(size=(inputs, 2 * inputs)) / inputs**0.5)
    scores = hidden @ rng.normal(size=(2 * inputs, classes))
    scores += noise * scores.std() * rng.normal(size=scores.shape)
    return x, scores.argmax(axis=1)


def values(inputs, seed):
    """The same with a number as the target."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(5000, inputs)).astype("float32")
    hidden = np.tanh(x @ rng.normal(size=(inputs, 2 * inputs)) / inputs**0.5)
    y = hidden @ rng.normal(size=(2 * inputs, 1)) / inputs**0.5
    return x, (y + 0.1 * rng.normal(size=y.shape)).astype("float32")


def patterns(classes, seed, noise=150):
    """Pictures of one smooth coloured pattern per class, shifted, in noise."""
    rng = np.random.default_rng(seed)
    frequencies = np.fft.fftfreq(SIZE, 1 / SIZE)
    low = np.exp(-(frequencies[:, None] ** 2 + frequencies**2) / 8)[..., None]
    drawn = np.fft.fft2(rng.normal(size=(classes, SIZE, SIZE, 3)), axes=(1, 2))
    drawn = np.fft.ifft2(low * drawn, axes=(1, 2)).real
    y = rng.integers(0, classes, 3500)
    shifts = rng.integers(0, SIZE, (3500, 2))
    x = [np.roll(drawn[c], shift, (0, 1)) for c, shift in zip(y, shifts, strict=True)]
    x = (
        128
        + 70 * np.array(x) / drawn.std()
        + noise * rng.normal(size=(3500, SIZE, SIZE, 3))
    )
    return x.clip(0, 255).astype("uint8"), y


def net(inputs, *widths, activation="relu"):
    model = keras.Sequential([keras.Input((inputs,))])
    for width in widths[:-1]:
        model.add(layers.Dense(width, activation))
    model.add(layers.Dense(widths[-1]))
    return model


def convolutional(width, classes):
    model = keras.Sequential([keras.Input((SIZE, SIZE, 3))])
    model.add(layers.Rescaling(1 / 127.5, -1))
    for factor in (1, 2, 4):
        model.add(layers.Conv2D(factor * width, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D())
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(classes))
    return model


def normed(x, size, width, strides=1, activation="relu"):
    x = layers.Conv2D(width, size, strides, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.Activation(activation)(x)


def resnet(width, classes):
    image = keras.Input((SIZE, SIZE, 3))
    x = normed(layers.Rescaling(1 / 127.5, -1)(image), 3, width, 2)
    for factor, strides in ((1, 1), (2, 2), (4, 2)):
        y = normed(x, 3, factor * width, strides)
        y = normed(y, 3, factor * width, 1, "linear")
        if strides > 1:
            x = normed(x, 1, factor * width, strides, "linear")
        x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(classes)(x))


def mobilenet(width, classes):
    image = keras.Input((SIZE, SIZE, 3))
    x = normed(layers.Rescaling(1 / 127.5, -1)(image), 3, width, 2, "relu6")
    for factor, strides in ((1, 1), (2, 2), (2, 1)):
        y = normed(x, 1, 4 * width, 1, "relu6")
        y = layers.DepthwiseConv2D(3, strides, padding="same", use_bias=False)(y)
        y = layers.Activation("relu6")(layers.BatchNormalization(momentum=0.9)(y))
        y = normed(y, 1, factor * width, 1, "linear")
        x = layers.Add()([x, y]) if x.shape == y.shape else y
    x = layers.GlobalAveragePooling2D()(normed(x, 1, 8 * width, 1, "relu6"))
    return keras.Model(image, layers.Dense(classes)(x))


def sgd(rate):
    return keras.optimizers.SGD(rate, momentum=0.9)


def adamw(rate):
    return keras.optimizers.AdamW(rate, weight_decay=0.05)


@dataclasses.dataclass
class Pair:
    """What is trained, and at which powers of 2."""

    name: str
    build: Callable
    data: Callable
    optimizer: Callable
    powers: range
    loss: object = CROSS_ENTROPY


FOR_SGD, FOR_ADAM = range(-8, 2), range(-11, -2)
PAIRS = [
    Pair(
        "logistic, SGD",
        lambda: net(20, 5),
        lambda seed: table(20, 5, seed),
        sgd,
        FOR_SGD,
    ),
    Pair(
        "MLP, SGD",
        lambda: net(16, 64, 4),
        lambda seed: table(16, 4, seed),
        sgd,
        FOR_SGD,
    ),
    Pair(
        "MLP, AdamW",
        lambda: net(24, 96, 6),
        lambda seed: table(24, 6, seed),
        adamw,
        FOR_ADAM,
    ),
    Pair(
        "deep MLP, Adam",
        lambda: net(16, 64, 64, 64, 5),
        lambda seed: table(16, 5, seed),
        keras.optimizers.Adam,
        FOR_ADAM,
    ),
    Pair(
        "regression, Adam",
        lambda: net(8, 64, 64, 1),
        lambda seed: values(8, seed),
        keras.optimizers.Adam,
        FOR_ADAM,
        "mse",
    ),
    Pair(
        "regression, SGD",
        lambda: net(6, 64, 1, activation="tanh"),
        lambda seed: values(6, seed),
        sgd,
        FOR_SGD,
        "mse",
    ),
    Pair(
        "CNN, Adam",
        lambda: convolutional(8, 4),
        lambda seed: patterns(4, seed),
        keras.optimizers.Adam,
        FOR_ADAM,
    ),
    Pair(
        "ResNet, SGD",
        lambda: resnet(8, 5),
        lambda seed: patterns(5, seed),
        sgd,
        FOR_SGD,
    ),
    Pair(
        "ResNet, AdamW",
        lambda: resnet(8, 6),
        lambda seed: patterns(6, seed),
        adamw,
        FOR_ADAM,
    ),
    Pair(
        "MobileNetV2, SGD",
        lambda: mobilenet(8, 4),
        lambda seed: patterns(4, seed),
        sgd,
        FOR_SGD,
    ),
]


class Peak(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule whose peak can be set: one compiled step trains at every rate."""

    def __init__(self):
        self.curve = kt.schedules.WarmupCosine(1.0, STEPS, STEPS // 10)
        self.peak = keras.Variable(1.0, trainable=False)

    def __call__(self, step):
        return self.peak * self.curve(step)

    def get_config(self):
        return {}


def search(pair, seed):
    """Return the validation losses (rates, seeds) and the curve of the finder."""
    x, y = pair.data(seed)
    train, validation = (
        (x[VALIDATION:], y[VALIDATION:]),
        (x[:VALIDATION], y[:VALIDATION]),
    )
    schedule = Peak()
    keras.utils.set_random_seed(seed)
    model = pair.build()
    model.compile(pair.optimizer(schedule), pair.loss, jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    variables = model.variables + model.optimizer.variables
    curve = kt.find_learning_rate(
        model, *train, batch_size=BATCH_SIZE, trial_steps=TRIAL_STEPS
    )
    fresh = [keras.ops.convert_to_numpy(variable) for variable in variables]
    losses = np.empty((len(pair.powers), TRAININGS))
    for column in range(TRAININGS):
        keras.utils.set_random_seed(seed + column)
        weights = pair.build().get_weights()
        order = np.random.permutation(len(train[0]))
        order = np.resize(order, STEPS * BATCH_SIZE)
        epoch = [array[order] for array in train]
        for row, power in enumerate(pair.powers):
            for variable, value in zip(variables, fresh, strict=True):
                variable.assign(value)
            model.set_weights(weights)
            schedule.peak.assign(2.0**power)
            model.fit(*epoch, batch_size=BATCH_SIZE, shuffle=False, verbose=0)
            loss = model.evaluate(*validation, batch_size=250, verbose=0)
            losses[row, column] = loss if math.isfinite(loss) else math.inf
    return losses, curve


def best_rates(pair, losses):
    """Return the best rate, and the lowest and highest of its interval."""
    means = losses.mean(axis=1)
    best = int(np.argmin(means))
    error = losses[best].std(ddof=1) / TRAININGS**0.5
    low = high = best
    while low > 0 and means[low - 1] <= means[best] + error:
        low -= 1
    while high + 1 < len(means) and means[high + 1] <= means[best] + error:
        high += 1
    return tuple(2.0 ** pair.powers[index] for index in (best, low, high))


def suggestions(curve):
    """Return the rate of every rule, or None."""
    found = {"trials": curve.suggestion}
    found["curve"] = dataclasses.replace(curve, trials={}).suggestion
    found |= {name: getattr(curve, name) for name in RULES[2:6]}
    rates, losses = curve.rates, curve.losses
    running = np.cumsum(losses) / np.arange(1, len(losses) + 1)
    found["callback"] = rates[np.argmin(running[10:-5]) + 10] / 10
    # torch-lr-finder 0.2.2: smooth_f=0.05, skip_start=10, skip_end=5.
    smoothed = [losses[0]]
    for loss in losses[1:]:
        smoothed.append(0.05 * loss + 0.95 * smoothed[-1])
    found["steepest"] = rates[np.argmin(np.gradient(smoothed[10:-5])) + 10]
    return found


def within(rate, low, high):
    return rate is not None and low / 2.0001 <= rate <= high * 2.0001


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", help="parts of names of pairs")
    parser.add_argument("--seed", type=int, default=0, help="of data and models")
    arguments = parser.parse_args()
    only = arguments.only
    counts = {rule: np.zeros(2, int) for rule in RULES}
    print(f"| pair | best rate | interval | {' | '.join(RULES)} | seconds |")
    print("| --- " * (len(RULES) + 4) + "|")
    for number, pair in enumerate(PAIRS):
        if only and not any(part in pair.name for part in only):
            continue
        started = time.perf_counter()
        losses, curve = search(pair, 100 * arguments.seed + number)
        best, low, high = best_rates(pair, losses)
        if best in (2.0 ** pair.powers[0], 2.0 ** pair.powers[-1]):
            print(f"The best rate of {pair.name} is at the end of its grid.")
        cells = [pair.name, f"{best:.3g}", f"{low:.3g} to {high:.3g}"]
        for rule, rate in suggestions(curve).items():
            counts[rule] += within(rate, best, best), within(rate, low, high)
            cells.append("-" if rate is None else f"{rate / best:.2f}")
        cells.append(f"{time.perf_counter() - started:.0f}")
        print("| " + " | ".join(cells) + " |", flush=True)
    for row, words in enumerate(("best rate", "interval")):
        cells = " | ".join(str(counts[rule][row]) for rule in RULES)
        print(f"| within 2 of the {words} | | | {cells} | |")


if __name__ == "__main__":
    main()
