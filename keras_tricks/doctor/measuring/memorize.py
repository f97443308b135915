"""Whether a model can learn one sample, tried on a copy of its state."""

import dataclasses
import math
import time
import typing

import keras
from keras import ops

from keras_tricks._untouched import kept_random_state, without_regularizers
from keras_tricks.doctor.measuring.floor import blank_losses, lowest_loss
from keras_tricks.doctor.measuring.gradients import compiled, value_and_gradients

# A constant 1e-3 moves an output by a few units in 300 steps, and a target may be
# 1000. Most models are done below 0.01: only what is left meets the high rates.
RATE_GROWTH = 1000
# Dropout makes single losses high or low: of the last five the second lowest counts.
WINDOW = 5


@dataclasses.dataclass(frozen=True)
class Memory:
    """What `memorize` found. Losses are those of the data, without penalties.

    Attributes:
        losses: The loss before each step, in training mode.
        floor: The lowest loss that an output could have on this target.
        goal: The loss to reach.
        uses_input: Whether the trained output depends on the input.
        seconds: Time taken.
    """

    losses: list
    floor: float
    goal: float
    uses_input: bool
    seconds: float

    @property
    def final(self):
        """The loss at the end, nan if it was not finite."""
        return _settled(self.losses)

    @property
    def passed(self):
        """Whether the target was learned, and from the input."""
        return self.final <= self.goal and self.uses_input


def memorize(model, batch, steps=300, learning_rate=1e-3, tolerance=0.01):
    """Train a copy of the model's state on one batch until it knows it.

    The variables are read, never written: `keras.StatelessScope` puts values in their
    place. A model that is not built yet gets built, as by the first step of `fit`.

    Args:
        model: A compiled model.
        batch: `(x, y, sample_weight)` of tensors or nested structures of them.
        steps: Steps of Adam at most.
        learning_rate: Rate of the first step. It grows, slowly at first, to
            `RATE_GROWTH` times that.
        tolerance: Part of the way from the first loss to the floor that may be left.

    Returns:
        A `Memory`.
    """
    started = time.perf_counter()
    x, y, sample_weight = batch
    if not model.built:
        with keras.StatelessScope():
            model(x)
    with kept_random_state(), without_regularizers(model.trainable_variables):
        with keras.StatelessScope():
            # A loss makes its trackers at the first call, which must not be in a graph.
            model.compute_loss(x, y, model(x), sample_weight)
        step, values = _training(model, batch)
        losses = []
        for count in range(steps):
            rate = learning_rate * RATE_GROWTH ** ((count / steps) ** 2)
            loss, output, values = step(ops.convert_to_tensor(rate, "float32"), values)
            losses.append(float(ops.convert_to_numpy(loss)))
            if count == 0:
                floor, goal = _goal(model, batch, output, losses[0], tolerance)
            learned = len(losses) >= WINDOW and _settled(losses) <= goal
            if learned or not values.weights or not math.isfinite(losses[-1]):
                break
        uses_input = _uses_input(model, x, values)
    return Memory(losses, floor, goal, uses_input, time.perf_counter() - started)


class _Values(typing.NamedTuple):
    weights: list
    state: list
    means: list
    squares: list
    count: object


def _training(model, batch):
    """Return `step(rate, values) -> (loss, output, values)` and the first values."""
    x, y, sample_weight = batch
    trainable, others = model.trainable_variables, model.non_trainable_variables

    @compiled
    def step(rate, values):
        def loss_of(weights):
            with _scope(model, weights, values.state) as scope:
                output = model(x, training=True)
                loss = model.compute_loss(x, y, output, sample_weight)
            return loss, (output, [scope.get_current_value(v) for v in others])

        loss, (output, state), gradients = value_and_gradients(loss_of, values.weights)
        values = _adam(trainable, values, gradients, rate)
        return loss, output, values._replace(state=state)

    weights = [ops.convert_to_tensor(variable) for variable in trainable]
    state = [ops.convert_to_tensor(variable) for variable in others]
    zeros = [ops.zeros_like(weight) for weight in weights]
    return step, _Values(weights, state, zeros, zeros, ops.zeros((), "float32"))


def _scope(model, weights, state):
    """Return a scope in which the model computes with these values."""
    variables = model.trainable_variables + model.non_trainable_variables
    return keras.StatelessScope(list(zip(variables, weights + state, strict=True)))


def _adam(variables, values, gradients, rate):
    # Own lines, since Keras's `stateless_apply` refuses to work on TensorFlow.
    count = values.count + 1
    # Both moments begin at zero.
    rate = rate * ops.sqrt(1 - 0.999**count) / (1 - 0.9**count)
    weights, means, squares = [], [], []
    for variable, weight, gradient, mean, square in zip(
        variables, values.weights, gradients, values.means, values.squares, strict=True
    ):
        means.append(0.9 * mean + 0.1 * gradient)
        squares.append(0.999 * square + 0.001 * gradient * gradient)
        step = means[-1] / (ops.sqrt(squares[-1]) + 1e-7)
        weight = weight - ops.cast(rate, weight.dtype) * step
        constrain = variable.constraint
        weights.append(weight if constrain is None else constrain(weight))
    return values._replace(weights=weights, means=means, squares=squares, count=count)


def _goal(model, batch, output, first, tolerance):
    """Return the floor and the loss to reach."""
    if not math.isfinite(first):
        return math.nan, math.nan
    floor = lowest_loss(model, batch, output)
    alike, zeros = blank_losses(model, batch, output)
    known = floor + tolerance * (zeros - floor)
    if first <= known:
        # A model that knows the sample from the start need not improve on that.
        return floor, known
    first = max(first, alike) if math.isfinite(alike) else first
    return floor, floor + tolerance * (first - floor)


def _settled(losses):
    last = sorted(losses[-WINDOW:])
    return last[:2][-1] if all(map(math.isfinite, last)) else math.nan


def _uses_input(model, x, values):
    """Whether another input gives another output, at inference."""
    blank = not any(ops.convert_to_numpy(leaf).any() for leaf in _leaves(x))
    other = keras.tree.map_structure(ops.ones_like if blank else ops.zeros_like, x)
    with _scope(model, values.weights, values.state):
        outputs, others = (_leaves(model(each, training=False)) for each in (x, other))
    pairs = zip(outputs, others, strict=True)
    return any(ops.convert_to_numpy(a != b).any() for a, b in pairs)


def _leaves(structure):
    return [leaf for leaf in keras.tree.flatten(structure) if leaf is not None]
