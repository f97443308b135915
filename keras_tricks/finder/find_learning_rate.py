"""The learning rate to train with, from one short run in which it grows."""

import dataclasses
import functools
import itertools

import numpy as np

from keras_tricks._checks import check_integer, check_number
from keras_tricks._untouched import kept_random_state
from keras_tricks.finder._batches import endless_batches
from keras_tricks.finder._curve import Curve
from keras_tricks.finder._suggestions import FEWEST, has_diverged
from keras_tricks.finder._trainings import trainings
from keras_tricks.finder._trials import descend, score


def find_learning_rate(
    model,
    x,
    y=None,
    *,
    batch_size: int = 32,
    sample_weight=None,
    class_weight=None,
    start: float = 1e-7,
    end: float = 10.0,
    steps: int = 200,
    trial_steps: int = 0,
) -> Curve:
    """Train a few steps while the rate grows, and suggest the rate to train with.

    The model trains with its own loss and its own optimizer, from the state in which
    both are, at a rate that grows by the same factor with every step. Each point is the
    loss of its own batch: what a callback reads in `logs["loss"]` is the mean of the
    epoch so far, lags behind and suggests too high a rate
    ([tensorflow#58098](https://github.com/tensorflow/tensorflow/issues/58098)). The
    sweep ends when the smoothed loss is four times its lowest, or not finite.

    Afterwards everything is bit for bit as before, also when the sweep is interrupted:
    weights, batch-norm statistics, metrics, seeds, the random state of Python, NumPy
    and PyTorch. The optimizer is not touched, a twin of it trains. Exceptions: state
    that is not in Keras variables; a generator, and the order in which a
    `tf.data.Dataset` that reshuffles yields its next epochs; and, on JAX and PyTorch,
    the draws with which Keras 3.15 builds metrics and losses in the very first `fit`.

    Data that are shorter than the sweep are repeated. With gradient accumulation a
    point is one step of the optimizer, and its loss the mean over its batches.
    `steps_per_execution` does not matter.

    A sweep of 200 steps says little about a training of 10,000: the rate read off the
    curve was off by more than 2 in 10 of 20 runs of the benchmark, by up to 25. With
    `trial_steps` it is only the first of a few rates that are tried in short trainings.

    Args:
        model: A compiled model whose optimizer has one learning rate: a number or a
            schedule, which the sweep replaces. It need not be built.
        x: Arrays; or a `tf.data.Dataset`, a `PyDataset` or another iterable of batches
            `(x, y)` or `(x, y, sample_weight)`. A generator must last for the sweep.
        y: Targets, if `x` is made of arrays.
        batch_size: Examples per batch of arrays: that of the training. Integer, at
            least 1.
        sample_weight: Weights of the examples, as in `fit`.
        class_weight: Dict of class id to weight, as in `fit`.
        start: First rate. Float above 0.
        end: Last rate. Float above `start`.
        steps: Points of the curve. Integer, at least 15.
        trial_steps: Steps of a short training with warmup and cosine, done thrice: at
            the rate read off the curve, and from there by factors of 2 up and down
            until the final loss has risen twice. `.suggestion` is the vertex of a
            parabola through the best and those near it. Mostly 5 to 7 rates; 0 for
            none. Integer, at least 0.

    Returns:
        A curve with `.rates`, `.losses` (raw), `.smoothed`, `.trials` (final loss by
        rate) and the answers `.suggestion`, `.valley`, `.steep`, `.minimum`, `.slide`:
        floats, or None if the loss does not fall by more than its noise. The last four
        equal fastai's on the same losses. `str()` of it is a line, `.plot()` a figure.

    Raises:
        TypeError: If an argument is of the wrong kind, or the optimizer has several
            learning rates.
        ValueError: If an argument is out of its range, the model is not compiled or
            returns no loss, or the data end before the sweep and cannot be read again.

    Example:
        >>> keras.utils.set_random_seed(0)
        >>> x = np.random.normal(size=(512, 8))
        >>> y = x.sum(axis=1, keepdims=True)
        >>> model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
        >>> model.compile(keras.optimizers.SGD(momentum=0.9), "mse")
        >>> curve = find_learning_rate(model, x, y)
        >>> 0.003 < curve.suggestion < 0.3
        True
        >>> model.optimizer.learning_rate = curve.suggestion

    Reference:
        [Smith, 2017](https://arxiv.org/abs/1506.01186) (range test),
        [fastai](https://docs.fast.ai/callback.schedule.html#lrfinder) (the four).
    """
    check_integer("batch_size", batch_size, 1)
    check_integer("steps", steps, FEWEST)
    check_integer("trial_steps", trial_steps)
    check_number("start", start)
    check_number("end", end)
    if not 0 < start < end:
        raise ValueError(
            "`start` must be above 0 and below `end`. "
            f"Received: start={start}, end={end}."
        )
    if not model.compiled:
        raise ValueError(
            "find_learning_rate needs the loss and the optimizer of `compile`. "
            f"Received: model={model!r}, not compiled."
        )
    rates = np.geomspace(start, end, steps)
    read = functools.partial(endless_batches, x, y, sample_weight, batch_size)
    batches = read()
    with kept_random_state():
        first = next(batches)
    with trainings(model, first, class_weight) as train:
        losses = train(itertools.chain([first], batches), rates, has_diverged)
        curve = Curve(rates[: len(losses)], np.array(losses), steps)
        if trial_steps and len(losses) >= FEWEST:
            trials = descend(
                lambda rate: score(train, read(), rate, trial_steps),
                curve.guess,
                start,
                end,
            )
            curve = dataclasses.replace(curve, trials=trials)
    return curve
