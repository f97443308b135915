"""Adaptive gradient clipping: no unit moves by more than a part of itself."""

import keras
from keras import ops

from keras_tricks._checks import check_number
from keras_tricks.optimizers._patterns import check_patterns, is_found, warn_of_unused


@keras.saving.register_keras_serializable(package="keras_tricks")
class AdaptiveClipping:
    """Scale down gradients that are large beside the weights they belong to.

    For each unit, with the norms of its gradient `G` and its weights `W`: where
    `G > clip * max(W, epsilon)`, the gradient is scaled to that length. A unit is what
    feeds one output: all axes of a kernel but the last, or the whole of a vector. A
    kernel of rank 3 or more whose last axis is 1 is taken for a depthwise one, with
    its units on the axis before. Give it to an optimizer of this package as
    `adaptive_clipping`; it acts after Keras's own clipping, before the decay.

    Equal to timm's `adaptive_clip_grad` and, but for a single filter or unit, to
    optax's `adaptive_grad_clip` on the same layout.

    Args:
        clip: Largest norm of a gradient, in norms of the weights. Float, above 0. The
            paper takes 0.01 for batches of 4096 and more for smaller ones.
        epsilon: Smallest norm of weights that counts, so that zeros can move. Float,
            above 0.
        exclude: Regular expressions, searched in `variable.path`; what is found is
            not clipped. The paper leaves out the last linear layer: `["head/"]`, if
            it has that name. List of strings.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If an argument is out of its range.

    Example:
        >>> from keras_tricks.optimizers import SGD
        >>> clipping = AdaptiveClipping(0.01, exclude=["head/"])
        >>> optimizer = SGD(0.1, momentum=0.9, adaptive_clipping=clipping)

    Reference:
        [Brock et al., 2021](https://arxiv.org/abs/2102.06171), section 4.
    """

    def __init__(self, clip=0.01, epsilon=1e-3, exclude=()):
        check_number("clip", clip, minimum=1e-12)
        check_number("epsilon", epsilon, minimum=1e-12)
        self.clip = clip
        self.epsilon = epsilon
        self.exclude = check_patterns("exclude", exclude)

    def __call__(self, gradient, variable):
        """Return the clipped gradient of a variable."""
        return clip_adaptively(gradient, variable, self.clip, self.epsilon)

    def clips(self, variable) -> bool:
        """Return whether the gradient of a variable is clipped."""
        return not is_found(self.exclude, variable)

    def check(self, variables):
        """Warn of a pattern that is not found."""
        warn_of_unused("AdaptiveClipping", self.exclude, variables)

    def get_config(self):
        return {"clip": self.clip, "epsilon": self.epsilon, "exclude": self.exclude}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def clip_adaptively(gradient, variable, clip, epsilon):
    """Return a gradient, no unit of it longer than `clip` times the unit's weights."""
    axes = _axes_of_a_unit(variable.shape)
    largest = clip * ops.maximum(_norm(variable, axes), epsilon)
    norm = _norm(gradient, axes)
    clipped = gradient * (largest / ops.maximum(norm, 1e-6))
    return ops.where(norm < largest, gradient, clipped)


def _axes_of_a_unit(shape):
    rank = len(shape)
    if rank <= 1:
        return tuple(range(rank))
    unit = rank - 2 if rank >= 3 and shape[-1] == 1 else rank - 1
    return tuple(axis for axis in range(rank) if axis != unit)


def _norm(values, axes):
    return ops.sqrt(ops.sum(ops.square(values), axis=axes, keepdims=True))
