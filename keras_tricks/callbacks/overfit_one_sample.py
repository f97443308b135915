"""Before training, see whether the model can learn one sample at all."""

import math
import warnings

import keras

from keras_tricks._checks import check_integer, check_number
from keras_tricks.callbacks._sample import check_sample, first_sample
from keras_tricks.doctor.measuring.memorize import RATE_GROWTH, memorize

BARS = "▁▂▃▄▅▆▇█"


class OverfitOneSample(keras.callbacks.Callback):
    """Try, before training, whether the model can learn a single sample.

    A model that cannot has a fault that no amount of data repairs: a loss that does
    not fit the output, a last activation that cannot reach the target, frozen or dead
    layers, an initializer that leaves them dead. When `fit` begins, a copy of the
    model's state is trained on the one sample, in training mode, with the model's own
    loss, until the loss is down to

        floor + tolerance * (first loss - floor)

    where the floor is the lowest loss that any output could have on this target, found
    by changing the output itself; with label smoothing it is well above zero. A first
    loss below that of equal classes counts as that. If the goal is not reached, or the
    output then does not depend on the input, the check has failed and warns. Passing
    says that the parts are connected, not that the model generalizes. On TensorFlow,
    Keras 3.15.1 finds the logits behind a softmax by itself: there, `from_logits=True`
    on a softmax trains, and passes, with a warning of Keras.

    The training that follows is bit for bit what it would have been: weights,
    statistics, optimizer, metrics and random generators are as before. That holds for
    state in Keras variables; a raw `tf.Variable` or a wrapped torch module has its own.

    The optimizer is Adam, not the one of `compile`: its warmup or a bad rate of it
    would hide what is asked here. Penalties (`kernel_regularizer`, `add_loss`) are left
    out, since they have a floor of their own.

    Args:
        x: Input of one sample, or a batch of which the first sample is taken: an array,
            a tensor, or a tuple, list or dict of them. A model with known `inputs`
            tells the two apart by their rank; for others, such as subclassed models,
            give the batch dimension. Or a tuple `(x, y)` or `(x, y, sample_weight)`,
            as a dataset yields it; then leave out `y`.
        y: Target, with a batch dimension if `x` has one.
        steps: Training steps at most. Integer, at least 1.
        learning_rate: Rate of the first step. It grows, slowly at first, to 1000 times
            that, so that the units of the target do not matter. Float, at least 0.
        tolerance: Part of the first loss, above the floor, that may be left. Float in
            [0, 1].
        stop_on_failure: Whether a failure raises a `RuntimeError` instead of a warning.
        verbose: 0 for silence, 1 for a line with the result.

    Attributes:
        passed: Bool, None before the first `fit`.
        history: `{"loss": [...]}`, one loss per step, without penalties.
        floor: The lowest possible loss.

    Raises:
        TypeError: If `x` or `y` is not made of arrays, or another argument is of the
            wrong kind.
        ValueError: If an argument is out of its range; in `fit`, if the model has no
            loss on its output.
        RuntimeError: In `fit`, if the check failed and `stop_on_failure` is set.

    Example:
        >>> x, y = np.random.rand(8, 4), np.arange(8) % 3
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        >>> loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        >>> model.compile("sgd", loss)
        >>> check = OverfitOneSample(x, y, verbose=0)
        >>> history = model.fit(x, y, callbacks=[check], verbose=0)
        >>> check.passed
        True

    Reference:
        [Karpathy, 2019](https://karpathy.github.io/2019/04/25/recipe/): "overfit one
        batch", "input-independent baseline".
    """

    def __init__(
        self,
        x,
        y=None,
        steps=300,
        learning_rate=1e-3,
        tolerance=0.01,
        stop_on_failure=False,
        verbose=1,
    ):
        super().__init__()
        check_integer("steps", steps, 1)
        check_number("learning_rate", learning_rate, minimum=0)
        check_number("tolerance", tolerance, 0, 1)
        check_sample(x, y)
        self.x = x
        self.y = y
        self.steps = steps
        self.learning_rate = learning_rate
        self.tolerance = tolerance
        self.stop_on_failure = stop_on_failure
        self.verbose = verbose
        self.passed = None
        self.history = None
        self.floor = None

    def on_train_begin(self, logs=None):
        _check_model(self.model)
        batch = first_sample(self.model, self.x, self.y)
        memory = memorize(
            self.model, batch, self.steps, self.learning_rate, self.tolerance
        )
        self.passed = memory.passed
        self.history = {"loss": memory.losses}
        self.floor = memory.floor
        if self.verbose:
            print(_line(memory))
        if not self.passed:
            message = f"{_line(memory)}\n{self._advice(memory)}"
            if self.stop_on_failure:
                # `stop_training` would still let one batch through.
                raise RuntimeError(message)
            warnings.warn(message, stacklevel=2)

    def _advice(self, memory):
        if not math.isfinite(memory.losses[-1]):
            return (
                f"The loss became {memory.losses[-1]} at step {len(memory.losses)}. "
                "Look for nan in the sample itself, for log(0), a division by zero or "
                "sqrt(0) in a layer or in the loss, then at the scale of the input and "
                "of the initial weights."
            )
        if not self.model.trainable_variables:
            return "No weight is trainable: look for `trainable = False`."
        if memory.final <= memory.goal:
            return (
                "The loss went down, but another input gives the same output: only the "
                "last bias has learned. Look for an initializer of zeros and for "
                "layers whose output is always zero."
            )
        return (
            f"{self.steps} steps of Adam at rates from {self.learning_rate:g} to "
            f"{self.learning_rate * RATE_GROWTH:g} did not bring the loss below "
            f"{memory.goal:.4g}. Look, in this order, at: the label (does it belong to "
            "the sample, and has it the form that the loss wants, class ids or "
            "one-hot?); `from_logits` (True only if the model does not end in softmax "
            "or sigmoid); the last activation (a relu cannot give -1, a sigmoid not 2, "
            "a softmax of a softmax not 1); frozen layers; layers whose output is "
            "always zero; the initializers."
            + ("" if memory.uses_input else " The output does not depend on the input.")
        )


def _check_model(model):
    own = type(model).compute_loss is not keras.Model.compute_loss
    if model.loss is None and not own:
        raise ValueError(
            "OverfitOneSample needs a loss on the output of the model, from "
            "`compile(loss=...)` or an own `compute_loss`. Received: model.loss=None, "
            "so all of its loss comes from `add_loss` or an own `train_step`."
        )


def _line(memory):
    verdict = "passed" if memory.passed else "failed"
    return (
        f"OverfitOneSample {verdict}: loss {memory.losses[0]:.4g} to "
        f"{memory.final:.4g} (floor {memory.floor:.4g}) in {len(memory.losses)} steps, "
        f"{memory.seconds:.1f} s {_sparkline(memory.losses)}"
    )


def _sparkline(values, width=20):
    """Draw a curve as bars of eight heights, over its finite range."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return ""
    low, high = min(finite), max(finite)
    width = min(width, len(finite))
    shown = [finite[i * len(finite) // width] for i in range(width)]
    return "".join(BARS[round(7 * (v - low) / ((high - low) or 1))] for v in shown)
