"""A rate that changes at given steps."""

import itertools

import keras
import numpy as np
from keras import ops

from keras_tricks._checks import check_integer
from keras_tricks.schedules._lengths import (
    check_length,
    check_rates,
    check_total,
    in_steps,
)


@keras.saving.register_keras_serializable(package="keras_tricks")
class Piecewise(keras.optimizers.schedules.LearningRateSchedule):
    """Hold a rate until a boundary, then the next.

    The rate is `values[i]` with `i` the number of boundaries at or below `step`: it
    changes *at* the boundary, as in torch's `MultiStepLR`, optax and Paddle. Keras
    3.15.1's `PiecewiseConstantDecay` changes one step after it.

    Args:
        boundaries: Steps at which the rate changes, rising. List of integers; or, with
            `total_steps`, also fractions of it: floats in (0, 1).
        values: Learning rates, each at least 0, one more than boundaries.
        total_steps: Steps that the fractions are of. Integer, or None.
        name: Optional name.

    Raises:
        TypeError: If a boundary is not a length or a value not a number.
        ValueError: If the boundaries do not rise or the counts do not match.

    Example:
        >>> schedule = Piecewise([0.25, 0.5, 0.75], [0.1, 0.01, 0.001, 1e-4], 120)
        >>> [round(float(schedule(step)), 4) for step in (0, 29, 30, 60, 90, 119)]
        [0.1, 0.1, 0.01, 0.001, 0.0001, 0.0001]

    Reference:
        [He et al., 2016](https://arxiv.org/abs/1512.03385), section 3.4.
    """

    def __init__(self, boundaries, values, total_steps=None, name=None):
        super().__init__()
        if total_steps is not None:
            check_total(total_steps)
        for index, boundary in enumerate(boundaries):
            _check_boundary(f"boundaries[{index}]", boundary, total_steps)
        for index, value in enumerate(values):
            check_rates(**{f"values[{index}]": value})
        _check_together(boundaries, values, total_steps)
        self.boundaries = boundaries
        self.values = values
        self.total_steps = total_steps
        self.name = name

    def __call__(self, step):
        boundaries = [in_steps(b, self.total_steps) for b in self.boundaries]
        return piecewise(step, boundaries, self.values)

    def get_config(self):
        return {
            "boundaries": self.boundaries,
            "values": self.values,
            "total_steps": self.total_steps,
            "name": self.name,
        }


def piecewise(step, boundaries, values):
    """Return `values[i]` where `i` boundaries are at or below `step`, in float32."""
    step = ops.convert_to_tensor(step)
    # Compared in the step's own dtype: float32 has no odd integers above 2**24.
    boundaries = ops.cast(np.asarray(boundaries, "int64"), step.dtype)
    passed = ops.expand_dims(step, -1) >= boundaries
    return ops.take(np.float32(values), ops.sum(ops.cast(passed, "int32"), axis=-1))


def _check_boundary(name, boundary, total_steps):
    if total_steps is None:
        hint = "Fractions need `total_steps`."
        check_integer(name, boundary, 1, hint=hint)
    else:
        check_length(name, boundary, total_steps, minimum=1)


def _check_together(boundaries, values, total_steps):
    steps = [in_steps(boundary, total_steps) for boundary in boundaries]
    if any(later <= sooner for sooner, later in itertools.pairwise(steps)):
        raise ValueError(f"`boundaries` must rise. Received: boundaries={boundaries}.")
    if len(values) != len(boundaries) + 1:
        raise ValueError(
            f"`values` must be one more than `boundaries`. Received: {len(values)} "
            f"values, {len(boundaries)} boundaries."
        )
